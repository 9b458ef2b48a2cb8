import { DurableFetchClient } from 'durablefetch'
import { registerSW } from 'virtual:pwa-register'
import { inPage, summary } from './behaviour.mjs'
import { answerInPage } from './reload.mjs'

// Nothing is asked before the worker sees it.
const controlled = new Promise((resolve) => {
  if (navigator.serviceWorker.controller) resolve()
  navigator.serviceWorker.addEventListener('controllerchange', resolve)
})
registerSW()
await controlled
if (location.hash) inPage(askAgain)
else answerInPage({ DurableFetchClient })

/** The same once more, which is recorded; then a new answer to the same request; and what the worker has kept by then. */
async function askAgain({ recorder, upstream, id }) {
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  const read = async (headers) => {
    const response = await df.fetch(`${upstream}/stream?id=${id}`, { headers })
    const whole = await summary([await response.arrayBuffer()])
    return { ...whole, asked: response.headers.get('x-asked') }
  }
  const recorded = await read({})
  const anew = await read({ 'durablefetch-mode': 'restart' })
  const kept = await (await caches.open('everything')).keys()
  return { recorded, anew, kept: kept.filter(({ url }) => url.startsWith(recorder)).length }
}
