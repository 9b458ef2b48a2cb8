// @ts-check
// One wasm instance for all entries, made at first use. The generated code keeps it; a failed attempt is repeated.
import { DurableFetchError } from './error.js'
import { isRequest } from './platform.js'
import { Client, initSync } from './wasm/durablefetch.js'

let ready = false
/** @type {Promise<WebAssembly.Module> | undefined} */
let loading

/**
 * @param {() => BufferSource | WebAssembly.Module} source
 * @returns {(options: unknown) => Client}
 */
export const creator = (source) => (options) => {
  if (!ready) instantiate(source())
  return new Client(options)
}

/** @param {any} source whatever WebAssembly can be made from @returns {Promise<void>} */
export async function load(source) {
  if (ready) return
  loading ??= compile(source)
  try {
    const module = await loading
    // Another entry may have been faster.
    if (!ready) instantiate(module)
  } catch (cause) {
    loading = undefined
    throw cause instanceof DurableFetchError ? cause : refused(cause)
  }
}

/** @param {BufferSource | WebAssembly.Module} module */
function instantiate(module) {
  try {
    initSync({ module })
  } catch (cause) {
    throw refused(cause)
  }
  ready = true
}

/** @param {any} source @returns {Promise<WebAssembly.Module>} */
async function compile(source) {
  source = await source
  if (typeof source === 'string' || source instanceof URL || isRequest(source)) source = await fetch(source)
  // Not by `instanceof`: Next's edge runtime hands over a module of another realm.
  if (Object.prototype.toString.call(source) === '[object WebAssembly.Module]') return source
  if (!(source instanceof Response)) return WebAssembly.compile(source)
  if (!source.ok) throw new Error(`${source.url} answers ${source.status}`)
  // Servers that do not know .wasm send it as something that streaming compilation refuses.
  const streamed = source.headers.get('content-type')?.startsWith('application/wasm')
  if (streamed) return WebAssembly.compileStreaming(source)
  // Awaited before and not within: next dev wraps calls of `compile` in a function that is not async.
  const bytes = await source.arrayBuffer()
  return WebAssembly.compile(bytes)
}

/** @param {unknown} cause */
function refused(cause) {
  const told = cause instanceof Error ? cause.message : String(cause)
  // Browsers say it by a CompileError that names the policy.
  const policy = /Content Security Policy|unsafe-eval|disallowed by embedder/i.test(told)
  const why = policy
    ? "WebAssembly was refused: the page's content security policy needs script-src 'wasm-unsafe-eval'"
    : 'The WebAssembly module could not be instantiated'
  return new DurableFetchError('wasm', `${why} (${told})`, { cause })
}
