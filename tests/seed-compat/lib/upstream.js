// An upstream that streams words through a gate, and remembers what it was asked.
import { createServer } from 'node:http'
import { listen } from '../../lib/listen.js'
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
  const { port, stop } = await listen(server, { host })
  return {
    /** An address that was never asked for before. */
    address: (path = '/text') => `http://${host}:${port}${path}?id=${crypto.randomUUID()}`,
    requests,
    stop,
  }
}
