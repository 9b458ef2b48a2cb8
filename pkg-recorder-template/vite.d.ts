import type { Plugin } from 'vite'
import type { DurablefetchOptions } from './options.js'

export type { DurablefetchOptions }

/**
 * In development and in `vite preview`, mounts a recorder on the server's own origin, and starts one unless another is named.
 * In a build, tells `new DurableFetchClient()` where it is mounted; to mount it there is up to the server in front.
 */
export declare function durablefetch(options?: DurablefetchOptions): Plugin
export default durablefetch
