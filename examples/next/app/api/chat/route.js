// The AI SDK's own route: nothing in it is about resuming.
import { createOpenAI } from '@ai-sdk/openai'
import { convertToModelMessages, createIdGenerator, streamText } from 'ai'

const { OPENAI_API_KEY, OPENAI_BASE_URL, UPSTREAM_URL = 'http://localhost:8788' } = process.env

// Without a key, the slow writer of examples/upstream answers.
const openai = createOpenAI({
  apiKey: OPENAI_API_KEY ?? 'none',
  baseURL: OPENAI_BASE_URL ?? (OPENAI_API_KEY ? undefined : `${UPSTREAM_URL}/v1`),
})

export async function POST(request) {
  const { messages } = await request.json()
  const result = streamText({
    model: openai.chat(process.env.OPENAI_MODEL ?? 'gpt-5-mini'),
    messages: await convertToModelMessages(messages),
    abortSignal: request.signal,
  })
  return result.toUIMessageStreamResponse({
    originalMessages: messages,
    generateMessageId: createIdGenerator({ prefix: 'msg', size: 16 }),
  })
}
