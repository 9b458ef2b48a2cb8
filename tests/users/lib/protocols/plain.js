// Plain text, and events of our own.
import { words } from '../answer.js'
import { sendEvents } from './event-stream.js'

export const plain = {
  async text({ response, gate }) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    for await (const word of words(gate)) response.write(word)
    response.end()
  },
  sse: ({ response, gate }) => sendEvents(response, events(gate)),
}

async function* events(gate) {
  for await (const word of words(gate)) yield ['word', JSON.stringify(word)]
  yield ['end', 'end']
}
