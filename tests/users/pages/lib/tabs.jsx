// One chat in several places: twenty hooks in one page, and two tabs with a tool that runs in the page.
import { DurableFetchClient } from 'durablefetch'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

const query = new URLSearchParams(location.search)
const [recorder, upstream, id] = ['recorder', 'upstream', 'id'].map((name) => query.get(name))
const df = new DurableFetchClient({ durablefetchHost: recorder })
const HOOKS = 20
window.isOurs = typeof df.stopChat === 'function'

export function mount(version, sdk) {
  const Page = query.has('tool') ? ToolChat : query.has('shared') ? Shared : Apart
  const base = `${upstream}/${query.has('tool') ? 'tool' : 'ai'}-${version}/chat`
  createRoot(document.getElementById('root')).render(
    <StrictMode>
      <Page {...sdk} api={base} />
    </StrictMode>,
  )
}

/** Twenty hooks on one Chat. */
function Shared({ Chat, useChat, DefaultChatTransport, api }) {
  const [chat] = useState(() => new Chat({ id, transport: new DefaultChatTransport(df.chatTransport({ api })) }))
  return numbers().map((number) => <Hook key={number} useChat={useChat} options={{ chat }} />)
}

/** Twenty hooks, each with a Chat of its own, of the same id. */
function Apart({ useChat, DefaultChatTransport, api }) {
  const [transport] = useState(() => new DefaultChatTransport(df.chatTransport({ api })))
  return numbers().map((number) => <Hook key={number} useChat={useChat} options={{ id, transport }} />)
}

const numbers = () => Array.from({ length: HOOKS }, (_, number) => number)

function Hook({ useChat, options }) {
  const { messages, status, error } = useChat({ ...options, resume: true })
  return <Messages {...{ messages, status, error }} />
}

function ToolChat({ useChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls, api }) {
  const [transport] = useState(() => new DefaultChatTransport(df.chatTransport({ api })))
  const chat = useChat({
    id,
    transport,
    resume: true,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    onToolCall({ toolCall }) {
      const add = chat.addToolOutput ?? chat.addToolResult
      // Not awaited: the SDK adds it when the message is there.
      add({ tool: toolCall.toolName, toolCallId: toolCall.toolCallId, output: 'here' })
    },
  })
  const { messages, sendMessage, stop, status, error } = chat
  return (
    <>
      <Messages {...{ messages, status, error }} />
      <button onClick={() => sendMessage({ text: 'Where am I?' })}>Send</button>
      <button onClick={() => stop().then(() => sendMessage({ text: 'Never mind.' }))}>Send anew</button>
      <button onClick={() => df.stopChat(api, id).then(stop)}>Stop</button>
    </>
  )
}

function Messages({ messages, status, error }) {
  const last = messages.filter(({ role }) => role === 'assistant').at(-1)
  const outputs = last?.parts.filter((part) => part.state === 'output-available').length ?? 0
  return (
    <main data-status={status} data-error={error?.message} data-outputs={outputs}>
      <p data-role="assistant">{last?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}</p>
    </main>
  )
}
