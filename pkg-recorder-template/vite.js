// @ts-check
// The plugin for Vite and what stands on it.
import { mount } from './lib/mount.js'
import { checked } from './lib/options.js'
import { recorderOf, say } from './lib/project.js'

/** @param {import('./lib/options.js').Options} [given] @returns {any} */
export function durablefetch(given) {
  const options = checked(given)
  /** @param {any} server of development or preview */
  const serve = (server) => {
    const { root } = server.config
    // At the first request at the latest: a server within another one does not listen itself.
    const recorder = () => recorderOf(options, root, ofAddresses(server.resolvedUrls, options.isRestricted))
    server.middlewares.use(mount(options.base, recorder))
    server.httpServer?.once('listening', async () => {
      // Vite knows its addresses right after this event.
      await new Promise(setImmediate)
      recorder().then(
        (url) => say(`the recorder on ${url} is mounted at ${options.base}`),
        (error) => say(error.message),
      )
    })
  }
  return {
    name: 'durablefetch',
    config: () => ({ define: { __DURABLEFETCH_HOST__: JSON.stringify(options.base) } }),
    configureServer: serve,
    configurePreviewServer: serve,
  }
}

export default durablefetch

/**
 * Flags that follow from where the server is reached. On this machine alone it takes none; from other devices, as with
 * `vite --host`, pages of the network's address are answered as well.
 * @param {{ local: string[], network: string[] } | null | undefined} urls
 * @param {boolean} isRestricted whether the app says what may be fetched
 */
function ofAddresses(urls, isRestricted) {
  const { local = [], network = [] } = urls ?? {}
  const own = [...network, ...local].map((url) => new URL(url).origin)
  const allowed = network.length > 0 || isRestricted ? own.flatMap((origin) => ['--allow', `${origin}/`]) : []
  const [reached, ...others] = own
  if (network.length === 0 || reached === undefined) return allowed
  const origins = others.flatMap((origin) => ['--origin', origin])
  return ['--public-origin', reached, ...origins, ...allowed, '--unguessable-urls']
}
