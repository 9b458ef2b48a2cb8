// A small upstream that streams, and counts how often it was asked.
import { createServer } from 'node:http'
import { listen } from '../../lib/listen.js'

export const TEXT = Array.from({ length: 200 }, (_, line) => `line ${line}: naïve façade — 😀\n`).join('')

export async function startUpstream(t) {
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'x-asked': String(asked) })
    for (const line of TEXT.match(/.*\n/g)) response.write(line)
    response.end()
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { url: `http://127.0.0.1:${port}/text?id=${crypto.randomUUID()}`, asked: () => asked }
}
