// TanStack AI's events (AG-UI), written by its own server half.
import { json } from 'node:stream/consumers'
import { toServerSentEventsResponse } from '@tanstack/ai'
import { words } from '../answer.js'
import { sendResponse } from './event-stream.js'

export async function tanstack({ request, response, gate }) {
  const { threadId = 'thread', runId = 'run' } = await json(request)
  await sendResponse(response, toServerSentEventsResponse(events(gate, { threadId, runId })))
}

async function* events(gate, ids) {
  const messageId = 'message'
  const event = (type, data) => ({ type, timestamp: 0, model: 'mock', ...data })
  yield event('RUN_STARTED', ids)
  yield event('TEXT_MESSAGE_START', { messageId, role: 'assistant' })
  for await (const delta of words(gate)) yield event('TEXT_MESSAGE_CONTENT', { messageId, delta })
  yield event('TEXT_MESSAGE_END', { messageId })
  yield event('RUN_FINISHED', { ...ids, finishReason: 'stop' })
}
