// Where the page's policy allows no WebAssembly: what does the app get to see, the first time and the second?
import { inPage } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from '/node_modules/durablefetch/index.js'
import * as slim from '/node_modules/durablefetch/slim.js'

const facts = (error) => ({
  name: error.name,
  code: error.code,
  message: error.message,
  isError: error instanceof Error,
  isTypeError: error instanceof TypeError,
  isDurableFetchError: error instanceof DurableFetchError,
  guard: isDurableFetchError(error),
})

/** What the first call, or already the constructor, says. */
async function attempt(run) {
  try {
    await run()
  } catch (error) {
    return facts(error)
  }
  return 'no error'
}

inPage(async ({ recorder, upstream, id }) => {
  const use = () => new DurableFetchClient({ durablefetchHost: recorder }).fetch(`${upstream}/stream?id=${id}`)
  return {
    first: await attempt(use),
    second: await attempt(use),
    slim: await attempt(() => slim.initDurableFetch('/node_modules/durablefetch/wasm/durablefetch_bg.wasm')),
  }
})
