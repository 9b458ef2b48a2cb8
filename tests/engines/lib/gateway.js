// A gateway in front of a recorder that lets nothing pass without its key, and knows nothing of the protocol.
import { createServer, request as ask } from 'node:http'
import { listen } from '../../lib/listen.js'

export async function startGateway({ targetPort, key }) {
  let wanted = key
  const seen = []
  const preflights = []
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    // Preflights have no headers of the app's.
    if (method === 'OPTIONS') preflights.push(url)
    else {
      const refused = headers['x-api-key'] !== wanted
      seen.push({ what: `${method} ${url.split('?')[0]}`, refused, headers })
      if (refused) {
        request.resume()
        return response.writeHead(401, { 'access-control-allow-origin': headers.origin ?? '*' }).end('no key')
      }
    }
    const outgoing = ask({ host: '127.0.0.1', port: targetPort, method, path: url, headers }, (incoming) => {
      response.writeHead(incoming.statusCode, incoming.headers).flushHeaders()
      incoming.pipe(response)
      incoming.on('error', () => response.destroy())
      response.on('close', () => incoming.destroy())
    })
    outgoing.on('error', () => response.destroy())
    request.pipe(outgoing)
  })
  const { port, stop } = await listen(server)
  return {
    port,
    /** Every request that came, preflights aside. */
    seen,
    /** The address of every preflight. */
    preflights,
    /** From now on it wants this one. */
    rotate: (next) => (wanted = next),
    stop,
  }
}
