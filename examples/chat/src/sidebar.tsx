import { useEffect, useState } from 'react'
import { loadChats, onChatsChange, removeChat } from './storage'

export function Sidebar({ current }: { current: string }) {
  const [chats, setChats] = useState(loadChats)
  useEffect(() => onChatsChange(() => setChats(loadChats())), [])

  return (
    <nav className="sidebar" aria-label="Chats">
      <div className="brand">
        <span className="ring" aria-hidden />
        durable chat
      </div>
      <button className="new" onClick={() => open(crypto.randomUUID())}>
        New chat
      </button>
      <ul>
        {chats.map((chat) => (
          <li key={chat.id} aria-current={chat.id === current ? 'page' : undefined}>
            <a href={`#/chat/${chat.id}`}>{chat.title}</a>
            <button
              aria-label={`Forget “${chat.title}”`}
              onClick={() => {
                removeChat(chat.id)
                if (chat.id === current) open(crypto.randomUUID())
              }}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <footer>
        Answers are recorded by <code>durablefetch</code>. The API behind this page knows nothing of it.
      </footer>
    </nav>
  )
}

function open(id: string) {
  location.hash = `#/chat/${id}`
}
