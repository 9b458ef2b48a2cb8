// The options of chatTransport() are those of the AI SDK's own transport. Which version `ai` is, the test says.
import { type ChatTransport, DefaultChatTransport, type UIMessage } from 'ai'
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

// What is inferred is the SDK's own message, as without chatTransport(): no parameter of a callback becomes `any`.
type IsAny<T> = 0 extends 1 & T ? true : false
type MessageOf<TRANSPORT> = TRANSPORT extends DefaultChatTransport<infer MESSAGE> ? MESSAGE : never
type Inferred = MessageOf<typeof plain>
export const inferred: IsAny<Inferred> = false
export const withPreparation: IsAny<MessageOf<typeof prepared>> = false
export const roles = (messages: Inferred[]) => messages.map((message) => message.role)

// As a hook does it: the message is inferred from the transport that it is given.
declare function useChat<MESSAGE extends UIMessage>(options: {
  transport: ChatTransport<MESSAGE>
}): {
  messages: MESSAGE[]
}
const prepared = new DefaultChatTransport(
  df.chatTransport({ prepareSendMessagesRequest: ({ messages }) => ({ body: { last: messages.at(-1) } }) }),
)
for (const transport of [plain, prepared]) {
  useChat({ transport }).messages.map((message) => message.parts.map((part) => part.type))
}
useChat({ transport: new DefaultChatTransport(df.chatTransport({ api: '/api/chat' })) }).messages.map((message) =>
  // @ts-expect-error: a message has no such field, and is not `any`
  [message.role, message.nonsense],
)
