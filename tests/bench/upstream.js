// What is fetched: so many bytes at once, or a chunk every so many milliseconds with the time in it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { listen } from '../lib/listen.js'

const BLOCK = Buffer.alloc(64 << 10, 7)
const wall = () => performance.timeOrigin + performance.now()

export async function startUpstream() {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://upstream')
    const number = (name) => Number(searchParams.get(name))
    // A page of any origin may read it.
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'access-control-allow-origin': '*' })
    if (pathname === '/bulk') return bulk(response, number('bytes'))
    if (pathname === '/ticks') return ticks(response, number('chunks'), number('everyMs'))
    response.end()
  })
  const { port, stop } = await listen(server)
  return {
    url: `http://localhost:${port}`,
    stop,
  }
}

async function bulk(response, bytes) {
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    if (!response.write(BLOCK.subarray(0, left))) await once(response, 'drain')
  }
  response.end()
}

/** Lines of 150 bytes that begin with the time they were sent at, in milliseconds. */
function ticks(response, chunks, everyMs) {
  const began = wall()
  let sent = 0
  const timer = setInterval(
    () => {
      while (sent < chunks && wall() >= began + sent * everyMs) {
        response.write(`${`${wall().toFixed(3)} `.padEnd(149, '.')}\n`)
        sent += 1
      }
      if (sent === chunks) response.end()
      if (sent === chunks || response.destroyed) clearInterval(timer)
    },
    Math.max(1, everyMs / 4),
  )
}
