// Cloudflare Workers: modules are compiled ahead, and doing so at run time is forbidden.
import { clientClass } from './client.js'
import { creator } from './compile.js'
import module from './wasm/durablefetch_bg.wasm'

export { DurableFetchError, isDurableFetchError } from './error.js'

export const DurableFetchClient = /* @__PURE__ */ clientClass(/* @__PURE__ */ creator(() => module))
