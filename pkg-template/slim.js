// @ts-check
// Without the module: the app fetches it itself, as a file of its own that is compiled while it arrives.
import { clientClass } from './client.js'
import { DurableFetchError } from './error.js'
import { creator, load } from './compile.js'

export { DurableFetchError, isDurableFetchError } from './error.js'
export { load as initDurableFetch }

export const DurableFetchClient = /* @__PURE__ */ clientClass(
  /* @__PURE__ */ creator(() => {
    throw new DurableFetchError('wasm', "Call and await initDurableFetch() of 'durablefetch/slim' before this")
  }),
)
