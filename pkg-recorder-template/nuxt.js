// @ts-check
// The module for Nuxt: Vite's plugin, and in a build the route to the recorder.
import { checked } from './lib/options.js'
import { sayUnmounted } from './lib/project.js'
import { durablefetch } from './vite.js'

/**
 * @param {import('./lib/options.js').Options} given
 * @param {any} nuxt
 */
export default function durablefetchModule(given, nuxt) {
  const options = checked(given)
  const { vite, dev } = nuxt.options
  vite.plugins = [...(vite.plugins ?? []), durablefetch(given)]
  if (dev) return
  if (!options.recorder) {
    sayUnmounted(options.base)
    return
  }
  const rules = (nuxt.options.routeRules ??= {})
  rules[`${options.base}/**`] = { proxy: `${options.recorder}/**` }
}

durablefetchModule.meta = { name: 'durablefetch-recorder', configKey: 'durablefetch' }
durablefetchModule.getMeta = () => Promise.resolve(durablefetchModule.meta)
