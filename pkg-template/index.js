// @ts-check
// The default entry: the module comes along as text and is compiled at first use. Importing does no work.
import { clientClass } from './client.js'
import { creator } from './instance.js'
import inline from './wasm/inline.js'

export { DurableFetchError, isDurableFetchError } from './error.js'

export const DurableFetchClient = /* @__PURE__ */ clientClass(/* @__PURE__ */ creator(() => decode(inline)))

/** @param {string} base64 */
function decode(base64) {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}
