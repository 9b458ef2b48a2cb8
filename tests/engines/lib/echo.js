// An upstream of any origin that answers with what it was sent.
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { listen } from '../../lib/listen.js'

/** `seen`: the bodies that have come, as `{ type, body }`, the body in latin-1: a character a byte. */
export async function startEcho() {
  const seen = []
  const events = new EventEmitter()
  let answered = Promise.resolve()
  const server = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*')
    if (request.method === 'OPTIONS') return response.writeHead(204).end()
    const body = await buffer(request).catch(() => undefined)
    if (!body) return
    seen.push({ type: request.headers['content-type'], body: body.toString('latin1') })
    const answer = JSON.stringify(seen.at(-1))
    events.emit('asked')
    await answered
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
  })
  const { port, stop } = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    /** Answers nothing until `release()`. `asked` resolves with the next request. */
    hold() {
      let release
      answered = new Promise((resolve) => (release = resolve))
      return { asked: once(events, 'asked'), release }
    },
    stop,
  }
}
