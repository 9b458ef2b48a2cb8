// An upstream whose answers a test writes itself.
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { within } from '../../e2e/lib/deadline.js'

/**
 * Stopped after the test. Each request is read whole and listed in `requests`, with its `number` among them from 0 on;
 * then `answer(entry, response)` answers it.
 */
export async function startScripted(t, answer) {
  const requests = []
  const events = new EventEmitter().setMaxListeners(0)
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    const entry = { method, url, headers, body: await text(request), state: 'open', number: requests.length }
    requests.push(entry)
    events.emit('change')
    response.on('close', () => {
      entry.state = response.writableFinished ? 'finished' : 'hung up'
      events.emit('change')
    })
    Promise.resolve(answer(entry, response)).catch((error) => response.destroy(error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  /** Resolves once `reached` of the requests is true. */
  const when = (what, reached) => {
    const waiting = async () => {
      while (!reached(requests)) await once(events, 'change')
    }
    return within(20_000, what, waiting())
  }
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    when,
    /** Resolves once it was asked this often. */
    asked: (count) => when(`${count} requests`, () => requests.length >= count),
    /** Resolves once request number `index` is in this state. */
    until: (index, state) => when(`request ${index} is ${state}`, () => requests[index]?.state === state),
    /** What the bodies were, in the order of arrival. */
    bodies: () => requests.map(({ body }) => body),
  }
}

/** A promise that a test resolves. */
export function signal() {
  let open
  const opened = new Promise((resolve) => (open = resolve))
  return { open, opened }
}
