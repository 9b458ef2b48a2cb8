// Starts the worker that the address names, hands it the places and shows what it reports.
import { inPage } from './behaviour.mjs'

const worker = new URL('worker.js', import.meta.url)
const type = 'module'
const answered = (port) =>
  new Promise((resolve, reject) => {
    port.onmessage = ({ data }) => resolve(data)
    port.onmessageerror = reject
  })
const failing = (target) =>
  new Promise((_, reject) => {
    target.onerror = (event) => reject(new Error(event.message || 'the worker could not be started'))
  })

const START = {
  async web() {
    const started = new Worker(worker, { type })
    return [started, failing(started)]
  },
  async shared() {
    const started = new SharedWorker(worker, { type })
    return [started.port, failing(started)]
  },
  async service() {
    const { installing, waiting, active } = await navigator.serviceWorker.register(worker, { type })
    const started = installing ?? waiting ?? active
    while (started.state !== 'activated') await new Promise((resolve) => (started.onstatechange = resolve))
    const { port1, port2 } = new MessageChannel()
    started.postMessage('port', [port2])
    return [port1, new Promise(() => {})]
  },
}

inPage(async (places) => {
  const [port, failed] = await START[places.kind]()
  const answer = answered(port)
  port.postMessage(places)
  return Promise.race([answer, failed])
})
