// A web server for built pages: files as they are, with their types, and the headers of the test's choice.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { listen } from './listen.js'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}

/** Serves the folder; `headers` are added to every answer. Resolves with `{ url, served }`. */
export async function serveStatic(t, dir, headers = {}) {
  const served = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://static')
    const file = normalize(decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname))
    const bytes = await readFile(join(dir, file)).catch(() => undefined)
    if (!bytes) return response.writeHead(404).end()
    served.push(file)
    response
      .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', ...headers })
      .end(bytes)
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { url: `http://127.0.0.1:${port}`, served }
}
