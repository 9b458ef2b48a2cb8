// @ts-check
// The default entry: the module comes along as text and is compiled at first use. Importing does no work.
import { clientClass } from './client.js'
import { creator } from './compile.js'
import { decode } from './text.js'
import inline from './wasm/inline.js'

export { DurableFetchError, isDurableFetchError } from './error.js'

export const DurableFetchClient = /* @__PURE__ */ clientClass(/* @__PURE__ */ creator(() => decode(inline)))
