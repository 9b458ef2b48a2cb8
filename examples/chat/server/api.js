// POST /api/chat, the way the AI SDK's documentation writes it. Nothing here is about resuming: that is the point.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { convertToModelMessages, createIdGenerator, streamText } from 'ai'

/** An HTTP server with the one route of the app, answering with the model given. */
export function createApi({ model }) {
  return createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    if (request.method !== 'POST' || pathname !== '/api/chat') {
      response.writeHead(404).end('not found')
      return
    }
    // Whoever hangs up no longer wants the answer: stop paying for it.
    const hungUp = new AbortController()
    response.on('close', () => hungUp.abort())
    try {
      const { messages } = await json(request)
      await send(response, await answer({ model, messages, signal: hungUp.signal }))
    } catch (error) {
      if (hungUp.signal.aborted) return
      console.error('api:', error)
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error?.message ?? error))
    }
  })
}

/** What would be the body of `export async function POST(request)` in a framework. */
async function answer({ model, messages, signal }) {
  const result = streamText({
    model,
    messages: await convertToModelMessages(messages),
    abortSignal: signal,
  })
  return result.toUIMessageStreamResponse({
    originalMessages: messages,
    // One id for one answer, whoever reads it and however often: apps that store messages rely on it.
    generateMessageId: createIdGenerator({ prefix: 'msg', size: 16 }),
  })
}

async function send(response, answered) {
  response.writeHead(answered.status, Object.fromEntries(answered.headers))
  await pipeline(Readable.fromWeb(answered.body), response)
}
