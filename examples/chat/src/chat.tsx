import { useEffect, useRef, useState } from 'react'
import { useChat } from '@ai-sdk/react'
import { Composer } from './composer'
import { forgetReconnect, useReconnect } from './connection'
import { api, df, transport } from './durable'
import { Message } from './message'
import { Notice } from './notice'
import { useOtherTabs } from './other-tabs'
import { loadMessages, saveMessages } from './storage'
import { useStickToEnd } from './stick-to-end'
import { Welcome } from './welcome'

export function Chat({ id }: { id: string }) {
  const [stored] = useState(() => loadMessages(id))
  const { messages, setMessages, sendMessage, regenerate, resumeStream, stop, status, error } = useChat({
    id,
    messages: stored,
    resume: true,
    transport,
    throttle: 40,
    onFinish: ({ messages }) => saveMessages(id, messages),
  })
  const busy = status === 'submitted' || status === 'streaming'
  const reconnect = useReconnect(id)
  const sentHere = useRef(false)
  const [resumed, setResumed] = useState(false)

  // Another tab asked something: show its question, then follow the answer along with it.
  const otherTabs = useOtherTabs(id, () => {
    if (busy) return
    setMessages(loadMessages(id))
    void resumeStream()
  })

  useEffect(() => {
    if (status === 'error') forgetReconnect(id)
    // The question is stored as soon as it is asked; the answer when it ends, by onFinish.
    if (status === 'submitted' && messages.length > 0) saveMessages(id, messages)
    if (status !== 'streaming') return
    setResumed(!sentHere.current)
    if (sentHere.current) otherTabs.announce()
    sentHere.current = false
  }, [status])

  const send = (text: string) => {
    sentHere.current = true
    void sendMessage({ text })
  }
  const stopAnswer = () => {
    // The hook's stop lets go of the stream; stopChat ends the request that produces it.
    void df.stopChat(api, id)
    void stop()
  }

  const end = useStickToEnd(messages)
  return (
    <main className="chat" data-status={reconnect && busy ? 'reconnecting' : status}>
      <div className="messages" ref={end} role="log" aria-live="polite">
        {messages.length === 0 && <Welcome onPick={send} />}
        {messages.map((message, index) => (
          <Message key={message.id} message={message} growing={busy && index === messages.length - 1} />
        ))}
        {status === 'submitted' && messages.at(-1)?.role === 'user' && <p className="thinking">Thinking</p>}
      </div>
      <Notice
        busy={busy}
        error={error}
        reconnect={reconnect}
        resumed={resumed}
        otherTabs={otherTabs.count}
        onRetry={() => {
          sentHere.current = true
          void regenerate()
        }}
      />
      <Composer busy={busy} onSend={send} onStop={stopAnswer} />
    </main>
  )
}
