// The edge runtime of Next and Vercel: as workerd.js, but a compiled module is asked for by `?module` there.
import { clientClass } from './client.js'
import { creator } from './compile.js'
import module from './wasm/durablefetch_bg.wasm?module'

export { DurableFetchError, isDurableFetchError } from './error.js'

export const DurableFetchClient = /* @__PURE__ */ clientClass(/* @__PURE__ */ creator(() => module))
