// An intermediary that speaks HTTP and lies: answers in the recorder's place, ends bodies early and cleanly, stalls.
import { EventEmitter, once } from 'node:events'
import { createServer, request as ask } from 'node:http'
import { within } from '../../lib/deadline.js'
import { listen } from '../../lib/listen.js'

/**
 * `holds`: `heads` until there is a byte of the body, or `bodies` for good. What is smaller than a kilobyte and known to be,
 * it passes at once, as such proxies do: a status, an error.
 */
export async function startHttpProxy({ targetPort, holds }) {
  const events = new EventEmitter().setMaxListeners(0)
  const bodies = new Set()
  const rules = []
  const seen = []
  const server = createServer((request, response) => {
    const entry = { method: request.method, url: request.url, headers: request.headers }
    seen.push(entry)
    events.emit('change')
    const rule = request.method === 'OPTIONS' ? undefined : rules.shift()
    // Read, and never heard of again.
    if (rule?.never) return request.resume()
    if (rule && !rule.passes) return answer(request, response, rule)
    const { method, headers, url } = request
    const outgoing = ask({ host: '127.0.0.1', port: targetPort, method, path: url, headers }, (incoming) => {
      if (rule) {
        incoming.destroy()
        return answer(request, response, rule)
      }
      entry.status = incoming.statusCode
      events.emit('change')
      const held = holds && method !== 'OPTIONS' && !(Number(incoming.headers['content-length'] ?? 1000) < 1000)
      response.writeHead(incoming.statusCode, incoming.headers)
      // Otherwise the head goes with the first bytes.
      if (!held || holds === 'bodies') response.flushHeaders()
      const body = { incoming, response }
      bodies.add(body)
      if (held && holds === 'bodies') incoming.resume()
      else incoming.pipe(response)
      const over = () => {
        bodies.delete(body)
        response.socket?.resetAndDestroy()
      }
      incoming.on('aborted', over).on('error', over)
      response.on('close', () => {
        bodies.delete(body)
        incoming.destroy()
      })
    })
    outgoing.on('error', () => response.socket?.resetAndDestroy())
    request.pipe(outgoing)
  })
  const { port, stop } = await listen(server)

  return {
    url: `http://localhost:${port}`,
    /** Every request so far, preflights included, with the status it was answered, once it was. */
    seen,
    /** The next request is answered like this in place of the recorder, or (`passes`) of its answer. */
    answerNext: (rule) => rules.push(rule),
    /** Ends all bodies where they are, as if they were whole. */
    endCleanly() {
      for (const { incoming, response } of bodies) {
        incoming.unpipe(response)
        incoming.destroy()
        response.end()
      }
    },
    /** Passes nothing on any more of the bodies that are open, and leaves them open. */
    stall() {
      for (const { incoming, response } of bodies) {
        incoming.unpipe(response)
        incoming.resume()
      }
    },
    /** Resolves once there have been so many requests that satisfy this. */
    async until(count, wanted) {
      const reached = async () => {
        while (seen.filter(wanted).length < count) await once(events, 'change')
      }
      await within(20_000, `${count} such requests`, reached())
    },
    stop,
  }
}

/** As an intermediary has it: it knows of CORS, and nothing of the protocol but what the rule says. */
function answer(request, response, { status, headers = {}, text = '<html>an error page</html>' }) {
  request.resume()
  const cors = {
    'access-control-allow-origin': request.headers.origin ?? '*',
    'access-control-expose-headers': '*, durablefetch-state, durablefetch-error',
  }
  response.writeHead(status, { 'content-type': 'text/html', ...cors, ...headers }).end(text)
}
