// The options of chatTransport() are those of the AI SDK's own transport. Which version `ai` is, the test says.
import { DefaultChatTransport, type UIMessage } from 'ai'
import { DurableFetchClient } from 'durablefetch'

const df = new DurableFetchClient()

type Message = UIMessage<{ model: string }>

export const least: DefaultChatTransport<UIMessage> = new DefaultChatTransport(df.chatTransport())
export const plain = new DefaultChatTransport(df.chatTransport({ api: '/api/chat' }))
export const typed = new DefaultChatTransport<Message>(
  df.chatTransport({ api: '/api/chat', reconnect: 'recorded', onAbort: 'stop' }),
)

// Every option of the SDK's own, with the user's own prepare functions.
export const all = new DefaultChatTransport<Message>(
  df.chatTransport({
    api: '/api/chat',
    credentials: () => 'include',
    headers: async () => ({ authorization: 'Bearer token' }),
    body: { model: 'large' },
    fetch: globalThis.fetch,
    prepareSendMessagesRequest: ({ id, messages, body, trigger, messageId }) => ({
      body: { ...body, id, last: messages.at(-1), trigger, messageId },
      headers: { 'x-one': '1' },
    }),
    prepareReconnectToStreamRequest: async ({ id, headers }) => ({ api: `/api/chat/${id}`, headers }),
  }),
)

// The SDK's fetch option takes the client's fetch as it is.
export const fetchOnly = new DefaultChatTransport({ api: '/api/chat', fetch: df.fetch })

// @ts-expect-error: 'live' or 'recorded'
df.chatTransport({ reconnect: 'always' })
