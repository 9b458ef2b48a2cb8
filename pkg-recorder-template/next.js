// @ts-check
// The wrapper for Next's configuration.
import { checked } from './lib/options.js'
import { recorderOf, say, sayUnmounted } from './lib/project.js'

const DEVELOPMENT = 'phase-development-server'
const BUILD = 'phase-production-build'
/** Next gives a silent answer up after 30 s. One that is cut costs one more request, no byte. */
const PROXY_TIMEOUT_MS = 3_600_000

/**
 * @param {any} [config] Next's configuration, or the function that makes it
 * @param {import('./lib/options.js').Options} [given]
 */
export function withDurablefetch(config = {}, given) {
  const options = checked(given)
  return async (/** @type {string} */ phase, /** @type {any} */ context) => {
    const own = typeof config === 'function' ? await config(phase, context) : await config
    const url = phase === DEVELOPMENT ? await recorderOf(options, process.cwd()) : options.recorder
    if (phase === DEVELOPMENT) sayOnce(`the recorder on ${url} is mounted at ${options.base}`)
    else if (phase === BUILD && !url) sayUnmounted(options.base)
    return {
      ...own,
      compiler: { ...own.compiler, define: { ...own.compiler?.define, __DURABLEFETCH_HOST__: options.base } },
      experimental: { proxyTimeout: PROXY_TIMEOUT_MS, ...own.experimental },
      rewrites: async () => merged(await own.rewrites?.(), url, options.base),
    }
  }
}

export default withDurablefetch

/** The app's rewrites, and ours before them. @param {any} rewrites @param {string | undefined} url @param {string} base */
function merged(rewrites = [], url, base) {
  const all = Array.isArray(rewrites) ? { afterFiles: rewrites } : rewrites
  if (!url) return all
  const ours = { source: `${base}/:path*`, destination: `${url}/:path*`, basePath: /** @type {const} */ (false) }
  return { ...all, beforeFiles: [ours, ...(all.beforeFiles ?? [])] }
}

/** Next reads its configuration in several processes; those that it starts know it by their environment. @param {string} line */
function sayOnce(line) {
  if (process.env.__DURABLEFETCH_SAID === line) return
  process.env.__DURABLEFETCH_SAID = line
  say(line)
}
