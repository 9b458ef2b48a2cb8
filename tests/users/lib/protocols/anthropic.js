// Anthropic: messages, streaming.
import { words } from '../answer.js'
import { sendEvents } from './event-stream.js'

export const anthropic = ({ response, gate }) => sendEvents(response, events(gate))

async function* events(gate) {
  const event = (type, data) => [type, { type, ...data }]
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-4-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  }
  yield event('message_start', { message })
  yield event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
  yield event('ping', {})
  for await (const text of words(gate))
    yield event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })
  yield event('content_block_stop', { index: 0 })
  yield event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage })
  yield event('message_stop', {})
}
