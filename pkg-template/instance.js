// @ts-check
// One wasm instance for all entries, made at first use. The generated code keeps it; a failed attempt is repeated.
import { DurableFetchError } from './error.js'
import init, { Client, initSync } from './wasm/durablefetch.js'

let ready = false

/**
 * @param {() => BufferSource | WebAssembly.Module} source
 * @returns {(options: unknown) => Client}
 */
export const creator = (source) => (options) => {
  if (!ready) {
    const module = source()
    try {
      initSync({ module })
    } catch (cause) {
      throw refused(cause)
    }
    ready = true
  }
  return new Client(options)
}

/** @param {unknown} input whatever WebAssembly can be made from @returns {Promise<void>} */
export async function load(input) {
  if (ready) return
  try {
    await init({ module_or_path: /** @type {any} */ (input) })
  } catch (cause) {
    throw refused(cause)
  }
  ready = true
}

/** @param {unknown} cause */
function refused(cause) {
  const why =
    cause instanceof WebAssembly.CompileError
      ? "WebAssembly was refused. A content security policy needs script-src 'wasm-unsafe-eval'"
      : 'The WebAssembly module could not be instantiated'
  return new DurableFetchError('wasm', `${why}: ${cause instanceof Error ? cause.message : cause}`, { cause })
}
