// A chat with the first diff of README applied: between the marks it is that diff, to the letter.
import { useChat } from '@ai-sdk/react'
import { DefaultChatTransport } from 'ai'
import { DurableFetchClient } from 'durablefetch'

const df = new DurableFetchClient({ durablefetchHost: import.meta.env.VITE_DURABLEFETCH_HOST })

export function Chat({ chatId }) {
  // diff:begin
  const { messages, sendMessage } = useChat({
    id: chatId,
    transport: new DefaultChatTransport(df.chatTransport({ api: '/api/chat' })),
    resume: true,
  })
  // diff:end
  const send = (event) => {
    event.preventDefault()
    sendMessage({ text: new FormData(event.currentTarget).get('message') })
  }
  return (
    <main>
      {messages.map(({ id, role, parts }) => (
        <p key={id} data-role={role}>
          {parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}
        </p>
      ))}
      <form onSubmit={send}>
        <input name="message" aria-label="Message" />
      </form>
    </main>
  )
}
