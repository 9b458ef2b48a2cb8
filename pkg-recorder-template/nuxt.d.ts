import type { NuxtModule } from '@nuxt/schema'
import type { DurablefetchOptions } from './options.js'

export type { DurablefetchOptions }

/**
 * `modules: ['durablefetch-recorder/nuxt']`, with options below `durablefetch` if need be. `nuxt dev` starts a recorder unless
 * another is named; `nuxt build` adds the route to `recorder` or the variable `DURABLEFETCH_URL`, and warns where there is neither.
 */
declare const module: NuxtModule<DurablefetchOptions>
export default module

declare module '@nuxt/schema' {
  interface NuxtConfig {
    durablefetch?: DurablefetchOptions
  }
}
