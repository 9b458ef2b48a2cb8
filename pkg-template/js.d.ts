/**
 * The same names and the same client without WebAssembly: its module as JavaScript. For places that refuse WebAssembly, such as
 * React Native and pages whose policy has no 'wasm-unsafe-eval'. It is a quarter larger after gzip; entries that are mixed in one
 * page share one instance. `new DurableFetchClient()` throws `unsupported` where the platform lacks something that the client
 * needs, and names it.
 *
 * @example
 * ```ts
 * import { DurableFetchClient } from 'durablefetch/js'
 * ```
 */
export * from './index.js'
