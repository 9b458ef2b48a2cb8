// @ts-check
// The instance as WebAssembly: compiled once, at first use or by initDurableFetch.
import { DurableFetchError } from './error.js'
import { guard } from './guard.js'
import { isMade, living } from './instance.js'
import { begin } from './platform.js'
import { isRequest } from './request.js'
import { glue } from './wasm/durablefetch.js'

/** @type {WebAssembly.Module | undefined} */
let compiled
/** @type {Promise<WebAssembly.Module> | undefined} */
let loading

/**
 * What gives the instance to use.
 * @param {() => BufferSource | WebAssembly.Module} source
 */
export const creator = (source) => living(() => instantiate(compiled ?? source()))

/** @param {any} source whatever WebAssembly can be made from @returns {Promise<void>} */
export async function load(source) {
  if (isMade()) return
  loading ??= compile(source)
  try {
    const module = await loading
    // Another entry may have been faster.
    living(() => instantiate(module))()
  } catch (cause) {
    loading = undefined
    throw cause instanceof DurableFetchError ? cause : refused(cause)
  }
}

/** @param {BufferSource | WebAssembly.Module} source @returns {import('./instance.js').Instance} */
function instantiate(source) {
  try {
    compiled = isModule(source) ? source : new WebAssembly.Module(source)
    const life = begin()
    const { Client, initSync } = glue(guard(life, WebAssembly))
    initSync({ module: compiled })
    return { life, Client }
  } catch (cause) {
    throw refused(cause)
  }
}

/**
 * Not by `instanceof`: Next's edge runtime hands over a module of another realm.
 * @param {any} source
 * @returns {source is WebAssembly.Module}
 */
const isModule = (source) => Object.prototype.toString.call(source) === '[object WebAssembly.Module]'

/** @param {any} source @returns {Promise<WebAssembly.Module>} */
async function compile(source) {
  source = await source
  if (typeof source === 'string' || source instanceof URL || isRequest(source)) source = await fetch(source)
  if (isModule(source)) return source
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
  // Browsers say it by a CompileError that names the policy. Chromium gives no reason at all to a content script.
  const policy = /Content Security Policy|unsafe-eval|blocked by CSP|disallowed by embedder|\(\): ?$/i.test(told)
  const instead = "import 'durablefetch/js', the same client without it"
  const why = !globalThis.WebAssembly
    ? `This platform has no WebAssembly: ${instead}`
    : policy
      ? `WebAssembly was refused: ${remedy()}. Or ${instead}`
      : 'The WebAssembly module could not be instantiated'
  return new DurableFetchError('wasm', `${why} (${told})`, { cause })
}

/** Whose policy it was, and what to do. */
function remedy() {
  const { location, chrome, browser } = /** @type {any} */ (globalThis)
  const own = /-extension:$/.test(location?.protocol)
  const whose = own ? "the extension's manifest.json" : (location?.origin ?? 'the page')
  const needs = `the content security policy of ${whose} needs script-src 'wasm-unsafe-eval'`
  const isContentScript = !own && (chrome ?? browser)?.runtime?.id
  return isContentScript ? `${needs}, also for content scripts: use the extension's service worker instead` : needs
}
