// A small upstream that streams: it stops in the middle of a body until it is told to go on.
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { listen } from '../../lib/listen.js'

/** What `/stream` sends: bytes of every value, in two parts. */
export const BODY = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31 + (at >> 8) * 7) & 255))
export const DIGEST = createHash('sha256').update(BODY).digest('hex')
/** How much of it comes before it waits. */
export const HALF = 120_000

/**
 * `/stream?id=…` sends a part, waits for `/release?id=…`, sends the rest. `/open?id=…` sends a part and stays open.
 * The header `x-asked` says how often this address was asked for by then. Every address answers any origin, as a page releases it itself. `asked(path)` counts.
 */
export async function startUpstream(t) {
  const asked = new Map()
  const released = new Set()
  const events = new EventEmitter().setMaxListeners(0)
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://upstream')
    const id = searchParams.get('id')
    const times = (asked.get(request.url) ?? 0) + 1
    asked.set(request.url, times)
    response.setHeader('access-control-allow-origin', '*')
    if (pathname === '/release') {
      released.add(id)
      events.emit('release')
      return response.writeHead(204).end()
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-upstream': 'runtimes', 'x-asked': times })
    response.write(BODY.subarray(0, HALF))
    if (pathname === '/open') return
    while (!released.has(id)) await once(events, 'release')
    response.end(BODY.subarray(HALF))
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { url: `http://127.0.0.1:${port}`, asked: (path) => asked.get(path) ?? 0 }
}

/** An address on this machine where nothing listens. */
export async function nowhere() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}
