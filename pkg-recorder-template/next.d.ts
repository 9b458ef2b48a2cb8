import type { NextConfig } from 'next'
import type { DurablefetchOptions } from './options.js'

export type { DurablefetchOptions }

/** Next's configuration, or the function that makes it. */
export type NextConfiguration =
  | NextConfig
  | ((phase: string, context: { defaultConfig: NextConfig }) => NextConfig | Promise<NextConfig>)

/**
 * Mounts a recorder by a rewrite. `next dev` starts one unless another is named; `next build` takes the address from
 * `recorder` or the variable `DURABLEFETCH_URL`, and warns where there is neither.
 */
export declare function withDurablefetch(
  config?: NextConfiguration,
  options?: DurablefetchOptions,
): (phase: string, context: { defaultConfig: NextConfig }) => Promise<NextConfig>
export default withDurablefetch
