// The page's own server: the page, its script, and one file next to it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ENTRY = fileURLToPath(new URL('../page/main.js', import.meta.url))
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>fidelity</title><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>'

export async function startSite({ nodeModules }) {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    write: false,
    nodePaths: [nodeModules],
    logLevel: 'error',
  })
  const files = {
    '/': ['text/html', PAGE],
    '/main.js': ['text/javascript', outputFiles[0].contents],
    '/page.txt': ['text/plain', 'of the page'],
  }
  const server = createServer((request, response) => {
    const [type, body] = files[new URL(request.url, 'http://site').pathname] ?? []
    if (!type) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${server.address().port}/`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
