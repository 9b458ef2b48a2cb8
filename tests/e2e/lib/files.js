// A web server of a few files, for pages that need no more.
import { once } from 'node:events'
import { createServer } from 'node:http'

/** `files`: by path, the content type and the bytes. Never cached. */
export async function serveFiles(files) {
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
