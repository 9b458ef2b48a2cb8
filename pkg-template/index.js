// @ts-check
// The default entry: the module comes along as text. It is compiled once there is a client, while the app goes on, or at first
// use, if that comes before. Importing does no work.
import { clientClass } from './client.js'
import { creator } from './compile.js'
import { early } from './early.js'
import { decode } from './text.js'
import inline from './wasm/inline.js'

export { DurableFetchError, isDurableFetchError } from './error.js'

const source = () => decode(inline)

export const DurableFetchClient = /* @__PURE__ */ clientClass(
  /* @__PURE__ */ creator(source),
  /* @__PURE__ */ early(source),
)
