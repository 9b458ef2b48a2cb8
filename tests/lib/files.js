// A web server of a few files, for pages that need no more.
import { createServer } from 'node:http'
import { listen } from './listen.js'

/** `files`: by path, the content type and the bytes. Never cached. */
export async function serveFiles(files) {
  const server = createServer((request, response) => {
    const [type, body] = files[new URL(request.url, 'http://site').pathname] ?? []
    if (!type) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  })
  const { port, stop } = await listen(server)
  return {
    url: `http://localhost:${port}/`,
    stop,
  }
}
