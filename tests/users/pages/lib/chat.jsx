// A chat in two ways, and a completion, for any version of the AI SDK. The address says which.
// What stands between `snippet:begin` and `snippet:end` is what docs/what-takes-a-fetch.md shows.
import { DurableFetchClient } from 'durablefetch'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

const query = new URLSearchParams(location.search)
const [recorder, upstream, id] = ['recorder', 'upstream', 'id'].map((name) => query.get(name))
const df = new DurableFetchClient({ durablefetchHost: recorder })
const live = new DurableFetchClient({ durablefetchHost: recorder, reuse: query.get('reuse') ?? 'live' })
window.isOurs = typeof df.stopChat === 'function'

/** `sdk`: `useChat`, `useCompletion` and `DefaultChatTransport` of one version. */
export function mount(version, sdk) {
  const Page = query.has('completion') ? Completion : query.has('plain') ? PlainChat : Chat
  createRoot(document.getElementById('root')).render(
    <StrictMode>
      <Page {...sdk} base={`${upstream}/${query.has('numbered') ? 'numbered' : 'ai'}-${version}`} />
    </StrictMode>,
  )
}

function Chat({ useChat, DefaultChatTransport, base }) {
  const api = `${base}/chat`
  // snippet:begin
  const [transport] = useState(() => new DefaultChatTransport(df.chatTransport({ api })))
  const { messages, sendMessage, regenerate, stop, status, error } = useChat({ id, transport, resume: true })

  const stopAnswer = async () => {
    await df.stopChat(api, id) // ends the answer, at the upstream too
    await stop() // the hook's own: it stops reading
  }
  // snippet:end
  return <Messages {...{ messages, sendMessage, regenerate, stopAnswer, status, error }} />
}

function PlainChat({ useChat, DefaultChatTransport, base }) {
  const api = `${base}/chat`
  // snippet:begin
  const [transport] = useState(() => new DefaultChatTransport({ api: `${api}?chatId=${id}`, fetch: live.fetch }))
  const { messages, sendMessage, regenerate, status, error } = useChat({ id, transport })
  // snippet:end
  return <Messages {...{ messages, sendMessage, regenerate, status, error }} />
}

function Messages({ messages, sendMessage, regenerate, stopAnswer, status, error }) {
  return (
    <main data-status={status} data-error={error?.message}>
      {messages.map((message) => (
        <p key={message.id} data-role={message.role}>
          {message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}
        </p>
      ))}
      <button onClick={() => sendMessage({ text: 'Hello' })}>Send</button>
      <button onClick={() => regenerate()}>Regenerate</button>
      <button onClick={stopAnswer}>Stop</button>
    </main>
  )
}

function Completion({ useCompletion, base }) {
  const api = `${base}/completion`
  // snippet:begin
  const { completion, complete, stop, isLoading, error } = useCompletion({ api: `${api}?id=${id}`, fetch: live.fetch })
  // snippet:end
  return (
    <main data-status={isLoading ? 'streaming' : 'ready'} data-error={error?.message}>
      <p data-role="assistant">{completion}</p>
      <button onClick={() => complete('Hello')}>Send</button>
      <button onClick={() => [stop(), complete('Another')]}>Stop and send another</button>
    </main>
  )
}
