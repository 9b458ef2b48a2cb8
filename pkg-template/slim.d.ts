export * from './index.js'

/** What the module can be made from. */
export type WasmSource = string | URL | Request | Response | PromiseLike<Response> | BufferSource | WebAssembly.Module

/**
 * Instantiates the module; to be awaited before the first `new DurableFetchClient()`. Further calls do nothing.
 *
 * @example
 * ```ts
 * import wasm from 'durablefetch/wasm?url' // as your bundler spells the address of a file
 * await initDurableFetch(wasm)
 * ```
 */
export function initDurableFetch(source: WasmSource | PromiseLike<WasmSource>): Promise<void>
