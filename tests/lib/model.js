// The app's API, as the AI SDK's documentation has it: a stream of UI messages. No message has an id of the server's,
// since a plain route gives none.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { Gate } from './gate.js'
import { listen } from './listen.js'
import { requestLog } from './request-log.js'

const COUNT = 120
const words = (question) => Array.from({ length: COUNT }, (_, index) => `word${index} of ${question}. `)

/** The answer to a question: whole, and its beginning. */
export const answer = (question, count = COUNT) => words(question).slice(0, count).join('')

export async function startModel(t) {
  const gate = new Gate()
  const log = requestLog()
  const server = createServer(async (request, response) => {
    log.add({ method: request.method, url: request.url }, response)
    const { messages } = await json(request)
    const question = messages
      .at(-1)
      .parts.map(({ text }) => text)
      .join('')
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-vercel-ai-ui-message-stream': 'v1' })
    const send = (part) => response.write(`data: ${JSON.stringify(part)}\n\n`)
    send({ type: 'start' })
    send({ type: 'text-start', id: 'text' })
    for (const [index, delta] of words(question).entries()) {
      await gate.pace(index)
      if (response.destroyed) return
      send({ type: 'text-delta', id: 'text', delta })
    }
    send({ type: 'text-end', id: 'text' })
    send({ type: 'finish' })
    response.end('data: [DONE]\n\n')
  })
  const { port, stop } = await listen(server)
  t.after(() => {
    gate.open()
    return stop()
  })
  return { url: `http://127.0.0.1:${port}`, gate, requests: log.requests, until: log.until }
}
