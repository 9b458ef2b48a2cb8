// An upstream that does what a test tells it, one request at a time: "in the middle of a body" is a place.
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { listen } from './listen.js'
import { requestLog } from './request-log.js'

export async function startUpstream() {
  const { requests, add, when } = requestLog()
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const entry = {
      path: request.url,
      method: request.method,
      body: body.toString(),
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
      until: (state) => when(`the request for ${entry.path} is ${state}`, () => entry.state === state),
    }
    add(entry, response)
  })
  const { port, stop } = await listen(server)
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    requests,
    /** An address that nobody has asked for yet. */
    address: () => `${url}/answer?id=${crypto.randomUUID()}`,
    /** How often this address was asked for. */
    count: (address) => requests.filter(({ path }) => address.endsWith(path)).length,
    /** The first request for this address, or another by its number from 0, once it is there. */
    asked(address, number = 0) {
      const find = () => requests.filter(({ path }) => address.endsWith(path))[number]
      return when(`the upstream is asked for ${address}`, find)
    },
    stop,
  }
}
