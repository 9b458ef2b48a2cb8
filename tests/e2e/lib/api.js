// The example's own API server, with a record of who asked what and when each connection ended.
import { createApi } from '../../../examples/chat/server/api.js'
import { mockModel } from '../../../examples/chat/server/mock-model.js'
import { listen } from '../../lib/listen.js'
import { requestLog } from '../../lib/request-log.js'

export async function startApi({ gate }) {
  const { requests, add, until } = requestLog()
  const server = createApi({ model: mockModel({ pace: gate.pace }) })

  // Before the app's own listener: the record must not depend on what the route does.
  server.prependListener('request', (request, response) => {
    const { method, url, headers } = request
    add({ method, url, headers }, response)
  })
  const { port, stop } = await listen(server)

  return {
    url: `http://127.0.0.1:${port}`,
    /** Every request so far, oldest first. */
    requests,
    /** The requests that ask for an answer. */
    posts: () => requests.filter((entry) => entry.method === 'POST'),
    until,
    stop,
  }
}
