// OpenAI: chat completions and responses, streaming.
import { json } from 'node:stream/consumers'
import { ANSWER, words } from '../answer.js'
import { sendEvents } from './event-stream.js'

export async function openai({ request, response, gate }) {
  const { stream } = await json(request)
  if (!stream) return void response.writeHead(400).end()
  const events = request.url.includes('/responses') ? responses(gate) : completions(gate)
  await sendEvents(response, events)
}

/** One event of a chat completion. */
export const completionChunk = (delta, finish_reason = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 0,
  model: 'gpt-5',
  choices: [{ index: 0, delta, finish_reason }],
})

async function* completions(gate) {
  yield [undefined, completionChunk({ role: 'assistant', content: '' })]
  for await (const word of words(gate)) yield [undefined, completionChunk({ content: word })]
  yield [undefined, completionChunk({}, 'stop')]
  yield [undefined, '[DONE]']
}

async function* responses(gate) {
  let sequence_number = 0
  const event = (type, data) => [type, { type, sequence_number: sequence_number++, ...data }]
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
  const response = { id: 'resp_1', object: 'response', status: 'in_progress', model: 'gpt-5', output: [] }
  yield event('response.created', { response })
  for await (const delta of words(gate)) yield event('response.output_text.delta', { ...place, delta })
  yield event('response.output_text.done', { ...place, text: ANSWER })
  yield event('response.completed', { response: { ...response, status: 'completed' } })
}
