// Cloudflare Workers and other edge runtimes: they compile modules ahead and forbid doing so at run time.
import { clientClass } from './client.js'
import { creator } from './instance.js'
import module from './wasm/durablefetch_bg.wasm'

export { DurableFetchError, isDurableFetchError } from './error.js'

export const DurableFetchClient = /* @__PURE__ */ clientClass(/* @__PURE__ */ creator(() => module))
