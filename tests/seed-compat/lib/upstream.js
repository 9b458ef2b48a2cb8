// An upstream that streams words through a gate, and remembers what it was asked.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { words } from '../../users/lib/answer.js'

/** `host`: the address of this machine to listen on. */
export async function startUpstream({ gate, host = '127.0.0.1' }) {
  const requests = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    requests.push({ method: request.method, url: request.url, headers: request.headers, body })
    if (request.url.startsWith('/problem'))
      return response.writeHead(500, { 'content-type': 'text/plain' }).end('a problem')
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'x-own': 'of the upstream' })
    for await (const word of words(gate)) response.write(word)
    response.end()
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    /** An address that was never asked for before. */
    address: (path = '/text') => `http://${host}:${server.address().port}${path}?id=${crypto.randomUUID()}`,
    requests,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
