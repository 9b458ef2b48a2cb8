// An upstream that does what a test tells it, one request at a time: "in the middle of a body" is a place.
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { within } from '../../e2e/lib/deadline.js'

export async function startUpstream() {
  const events = new EventEmitter().setMaxListeners(0)
  const requests = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const entry = {
      path: request.url,
      method: request.method,
      body: body.toString(),
      state: 'open',
      /** Status and headers, flushed. */
      head(status = 200, headers = { 'content-type': 'text/plain' }) {
        response.writeHead(status, headers).flushHeaders()
      },
      /** Resolves when it was handed to the network, or nobody takes it any more. */
      write: (bytes) =>
        new Promise((resolve) => {
          response.once('close', resolve)
          response.write(bytes, () => {
            response.off('close', resolve)
            resolve()
          })
        }),
      end: (bytes) => response.end(bytes),
      break: () => response.socket.resetAndDestroy(),
      /** Resolves when this request is `finished` or `hung up`. */
      async until(state) {
        const reached = async () => {
          while (entry.state !== state) await once(events, 'change')
        }
        await within(20_000, `the request for ${entry.path} is ${state}, it is ${entry.state}`, reached())
      },
    }
    response.on('close', () => {
      entry.state = response.writableFinished ? 'finished' : 'hung up'
      events.emit('change')
    })
    requests.push(entry)
    events.emit('change')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  return {
    url,
    requests,
    /** An address that nobody has asked for yet. */
    address: () => `${url}/answer?id=${crypto.randomUUID()}`,
    /** How often this address was asked for. */
    count: (address) => requests.filter(({ path }) => address.endsWith(path)).length,
    /** The first request for this address, or another by its number from 0, once it is there. */
    async asked(address, number = 0) {
      const find = () => requests.filter(({ path }) => address.endsWith(path))[number]
      const arrived = async () => {
        while (!find()) await once(events, 'change')
        return find()
      }
      return within(20_000, `the upstream is asked for ${address}`, arrived())
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
