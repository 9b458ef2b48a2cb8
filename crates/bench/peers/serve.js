// What the application servers of the peers have in common: GET {anything}/s/{stream} is answered with the upstream's
// stream, which is at UPSTREAM.
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const { UPSTREAM } = process.env

/** The upstream's stream. */
export async function ask(path) {
  const response = await fetch(UPSTREAM + path)
  if (!response.ok) throw new Error(`the upstream answered ${response.status}`)
  return response.body
}

/** Serves `open(path)`, a web stream of bytes or strings, on a free port. */
export function serve(open) {
  const server = createServer(async (request, response) => {
    try {
      const stream = await open(request.url)
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      response.flushHeaders()
      await pipeline(Readable.fromWeb(stream), response)
    } catch (error) {
      console.error(error)
      response.destroy()
    }
  })
  server.listen(0, '127.0.0.1', 4096, () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`)
  })
}
