// One chat and one completion, for any version of the AI SDK. The address says how.
import { DurableFetchClient } from 'durablefetch'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

const query = new URLSearchParams(location.search)
const [recorder, upstream, id] = ['recorder', 'upstream', 'id'].map((name) => query.get(name))
const df = new DurableFetchClient({ durablefetchHost: recorder })
window.isOurs = typeof df.stopChat === 'function'

/** `sdk`: `useChat`, `useCompletion` and `DefaultChatTransport` of one version. */
export function mount(version, sdk) {
  const View = query.has('completion') ? Completion : Chat
  createRoot(document.getElementById('root')).render(
    <StrictMode>
      <View {...sdk} base={`${upstream}/ai-${version}`} />
    </StrictMode>,
  )
}

function Chat({ useChat, DefaultChatTransport, base }) {
  const api = `${base}/chat`
  // Both ways of the documentation.
  const options = () => (query.has('plain') ? { api: `${api}?chatId=${id}`, fetch: df.fetch } : df.chatTransport({ api }))
  const [transport] = useState(() => new DefaultChatTransport(options()))
  const { messages, sendMessage, regenerate, stop, status, error } = useChat({ id, transport, resume: !query.has('plain') })
  const stopAll = async () => {
    await df.stopChat(api, id)
    await stop()
  }
  return (
    <main data-status={status} data-error={error?.message}>
      {messages.map((message) => (
        <p key={message.id} data-role={message.role}>
          {message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}
        </p>
      ))}
      <button onClick={() => sendMessage({ text: 'Hello' })}>Send</button>
      <button onClick={() => regenerate()}>Regenerate</button>
      <button onClick={stopAll}>Stop</button>
    </main>
  )
}

function Completion({ useCompletion, base }) {
  const { completion, complete, isLoading, error } = useCompletion({ api: `${base}/completion?id=${id}`, fetch: df.fetch })
  return (
    <main data-status={isLoading ? 'streaming' : 'ready'} data-error={error?.message}>
      <p data-role="assistant">{completion}</p>
      <button onClick={() => complete('Hello')}>Send</button>
    </main>
  )
}
