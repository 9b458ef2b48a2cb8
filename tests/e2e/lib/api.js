// The example's own API server, with a record of who asked what and when each connection ended.
import { EventEmitter, once } from 'node:events'
import { createApi } from '../../../examples/chat/server/api.js'
import { mockModel } from '../../../examples/chat/server/mock-model.js'
import { within } from './deadline.js'

export async function startApi({ gate }) {
  const requests = []
  const events = new EventEmitter().setMaxListeners(0)
  const server = createApi({ model: mockModel({ pace: gate.pace }) })

  // Before the app's own listener: the record must not depend on what the route does.
  server.prependListener('request', (request, response) => {
    const entry = {
      method: request.method,
      url: request.url,
      headers: request.headers,
      state: 'open',
      closedAt: undefined,
    }
    requests.push(entry)
    events.emit('change')
    response.on('close', () => {
      // `writableFinished` tells a whole answer from a connection that went away under it.
      entry.state = response.writableFinished ? 'finished' : 'hung up'
      entry.closedAt = Date.now()
      events.emit('change')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Every request so far, oldest first. */
    requests,
    /** The requests that ask for an answer. */
    posts: () => requests.filter((entry) => entry.method === 'POST'),
    /** Resolves with request number `index` once it is in the given state. */
    async until(index, state, ms = 20_000) {
      const reached = async () => {
        while (requests[index]?.state !== state) await once(events, 'change')
        return requests[index]
      }
      return within(ms, `API request ${index} is ${state} (it is ${requests[index]?.state ?? 'not there'})`, reached())
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
