// An upstream whose answers a test writes itself.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { listen } from '../../lib/listen.js'
import { requestLog } from '../../lib/request-log.js'

/**
 * Stopped after the test. Each request is read whole and listed in `requests`, with its `number` among them from 0 on;
 * then `answer(entry, response)` answers it.
 */
export async function startScripted(t, answer) {
  const { requests, add, when, until } = requestLog()
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    const body = await text(request)
    const entry = { method, url, headers, body, number: requests.length }
    add(entry, response)
    Promise.resolve(answer(entry, response)).catch((error) => response.destroy(error))
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    when,
    /** Resolves once it was asked this often. */
    asked: (count) => when(`${count} requests`, () => requests.length >= count),
    until,
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
