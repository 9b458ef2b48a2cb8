// The page under test, served by the example's own Vite with its own configuration.
import { symlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createServer } from '../../../examples/chat/node_modules/vite/dist/node/index.js'
import { watching } from '../../lib/watch.js'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const EXAMPLE = path('../../../examples/chat')
/** Pages from README. */
const PAGES = {
  snippet: path('../seed-snippet'),
  'first-diff': path('../first-diff'),
  'quick-start': path('../quick-start'),
}
const REPOSITORY = path('../../..')

/** `env` becomes `import.meta.env`; `page` is the example's chat or one of `PAGES`. */
export async function startSite({ page = 'chat', apiUrl, recorderUrl, env = {} }) {
  const root = PAGES[page] ?? EXAMPLE
  // They use the packages of the example: the same ones, and not installed twice.
  if (root !== EXAMPLE) await symlink(`${EXAMPLE}/node_modules`, `${root}/node_modules`).catch(ignoreExisting)

  // Read by the example's vite.config.js.
  process.env.API_URL = apiUrl
  process.env.RECORDER_URL = recorderUrl
  const server = await createServer({
    root,
    configFile: `${EXAMPLE}/vite.config.js`,
    plugins: [watching],
    // One for each file of tests: two of them run at once, and Vite's cache has one writer.
    cacheDir: path(`../node_modules/.vite-${page}-${basename(process.argv[1])}`),
    logLevel: 'warn',
    clearScreen: false,
    define: Object.fromEntries(
      Object.entries(env).map(([key, value]) => [`import.meta.env.${key}`, JSON.stringify(value)]),
    ),
    // No websocket and no watcher: nothing may reload the page but the test.
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, fs: { allow: [REPOSITORY] } },
  })
  await server.listen()
  return {
    url: `http://localhost:${server.httpServer.address().port}`,
    stop: () => server.close(),
  }
}

function ignoreExisting(error) {
  if (error.code !== 'EEXIST') throw error
}
