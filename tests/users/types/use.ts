// df.fetch and df.chatTransport where each library wants them: compiles without a cast, or the types are wrong.
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { fetchServerSentEvents } from '@tanstack/ai-client'
import { httpBatchStreamLink } from '@trpc/client'
import { DefaultChatTransport as Transport5 } from 'ai-5'
import { DefaultChatTransport as Transport6 } from 'ai-6'
import { DefaultChatTransport as Transport7 } from 'ai-7'
import { useChat as useChat5, useCompletion as useCompletion5 } from 'ai-react-5'
import { useChat as useChat6, useCompletion as useCompletion6 } from 'ai-react-6'
import { useChat as useChat7, useCompletion as useCompletion7 } from 'ai-react-7'
import { DurableFetchClient } from 'durablefetch'
import { EventSource } from 'eventsource'
import ky from 'ky'
import OpenAI from 'openai'

const df = new DurableFetchClient()
const url = 'https://api.example/answer?id=1'

export const native: typeof globalThis.fetch = df.fetch
export const openai = new OpenAI({ fetch: df.fetch })
export const provider = createOpenAI({ fetch: df.fetch })
export const mcp = new StreamableHTTPClientTransport(new URL(url), { fetch: df.fetch })
export const anthropic = new Anthropic({ fetch: df.fetch })
export const tanstack = fetchServerSentEvents(url, { fetchClient: df.fetch })
export const trpc = httpBatchStreamLink({ url, fetch: df.fetch })
export const api = ky.create({ fetch: df.fetch })
export const source = new EventSource(url, { fetch: df.fetch })
export const events = fetchEventSource(url, { fetch: df.fetch })

const own = {
  api: '/api/chat',
  headers: () => ({ authorization: 'Bearer x' }),
  body: { model: 'mock' },
  credentials: 'include',
  reconnect: 'recorded',
  onAbort: 'stop',
} as const

export function Five() {
  useCompletion5({ api: url, fetch: df.fetch })
  return [
    useChat5({ resume: true, transport: new Transport5(df.chatTransport({ api: '/api/chat' })) }),
    useChat5({ transport: new Transport5(df.chatTransport(own)) }),
    useChat5({ transport: new Transport5({ api: url, fetch: df.fetch }) }),
  ]
}

export function Six() {
  useCompletion6({ api: url, fetch: df.fetch })
  return [
    useChat6({ resume: true, transport: new Transport6(df.chatTransport({ api: '/api/chat' })) }),
    useChat6({ transport: new Transport6(df.chatTransport(own)) }),
    useChat6({ transport: new Transport6({ api: url, fetch: df.fetch }) }),
  ]
}

export function Seven() {
  useCompletion7({ api: url, fetch: df.fetch })
  return [
    useChat7({ resume: true, transport: new Transport7(df.chatTransport({ api: '/api/chat' })) }),
    useChat7({ transport: new Transport7(df.chatTransport(own)) }),
    useChat7({ transport: new Transport7({ api: url, fetch: df.fetch }) }),
  ]
}
