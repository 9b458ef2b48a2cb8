// The same in a web worker, a shared worker and a service worker.
import { behave, reported } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from '/node_modules/durablefetch/index.js'

const listen = (port) => {
  port.onmessage = async ({ data: places }) => port.postMessage(await reported(() => run(places)))
}

// Which of the three this is.
if (globalThis.SharedWorkerGlobalScope) addEventListener('connect', ({ ports: [port] }) => listen(port))
else if (globalThis.ServiceWorkerGlobalScope) addEventListener('message', ({ ports: [port] }) => listen(port))
else listen(globalThis)

async function run(places) {
  const report = await behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)
  report.scope = globalThis.constructor.name
  report.storage = typeof localStorage
  return { ...report, ...(await cutAndReconnect(places)), ...(await lastMessages(places)) }
}

// The connection is cut in the middle of a body by what stands between here and the recorder.
async function cutAndReconnect({ proxy, control, upstream, id }) {
  const phases = []
  const onReconnect = ({ phase, offset }) => phases.push([phase, offset])
  const df = new DurableFetchClient({ durablefetchHost: proxy, onReconnect, retry: { initialDelayMs: 20 } })
  const url = `${upstream}/stream?id=${id}-cut`
  const reader = (await df.fetch(url)).body.getReader()
  const first = await reader.read()
  let length = first.value.byteLength
  await fetch(`${control}/cut`)
  await fetch(`${upstream}/release?id=${id}-cut`)
  for (let next = await reader.read(); !next.done; next = await reader.read()) length += next.value.byteLength
  return { phases: phases.map(([phase]) => phase), reconnected: length }
}

// No localStorage here.
async function lastMessages({ recorder, upstream, id }) {
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  const url = `${upstream}/stream?id=${id}-last`
  const sent = []
  const send = (message) => void sent.push(message)
  df.saveLastMessage('chat', { text: 'hello' })
  const saved = new DurableFetchClient({ durablefetchHost: recorder }).lastMessage('chat')
  const before = await df.resumeLastMessage(url, 'chat', send)
  const response = await df.fetch(url)
  const during = await df.resumeLastMessage(url, 'chat', send)
  await fetch(`${upstream}/release?id=${id}-last`)
  await response.arrayBuffer()
  df.clearLastMessage('chat')
  return { last: { saved, before, during, sent, cleared: df.lastMessage('chat') === undefined } }
}
