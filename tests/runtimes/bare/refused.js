// Where the page's policy allows no WebAssembly, or there is none: what does the app get to see, the first time and the second?
import { facts, inPage } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from '/node_modules/durablefetch/index.js'
import * as slim from '/node_modules/durablefetch/slim.js'

/** What the first call, or already the constructor, says. */
async function attempt(run) {
  try {
    await run()
  } catch (error) {
    return facts(error, { DurableFetchError, isDurableFetchError })
  }
  return 'no error'
}

inPage(async ({ recorder, upstream, id }) => {
  const use = () => new DurableFetchClient({ durablefetchHost: recorder }).fetch(`${upstream}/stream?id=${id}`)
  const load = () => slim.initDurableFetch('/node_modules/durablefetch/wasm/durablefetch_bg.wasm')
  const report = { first: await attempt(use), second: await attempt(use), slim: await attempt(load) }
  // As in an engine that has none.
  delete globalThis.WebAssembly
  return { ...report, missing: await attempt(use), missingSlim: await attempt(load) }
})
