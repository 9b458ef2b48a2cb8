// Chats and their messages in localStorage, as an app without a database would keep them.
//
// Only messages are kept here, never a stream: the unfinished answer is the recorder's. Answers carry the id that
// the API gave them, so one that is stored half and replayed whole replaces itself.
import type { UIMessage } from 'ai'

export type ChatInfo = { id: string; title: string; createdAt: number }

const CHATS = 'chats'
const messagesKey = (id: string) => `messages:${id}`

export const loadChats = () => read<ChatInfo[]>(CHATS, [])
export const loadMessages = (id: string) => read<UIMessage[]>(messagesKey(id), [])

/** Stores the messages, and the chat itself once it has a first question to be called by. */
export function saveMessages(id: string, messages: UIMessage[]) {
  localStorage.setItem(messagesKey(id), JSON.stringify(messages))
  const chats = loadChats()
  const first = messages.find((message) => message.role === 'user')
  if (!first || chats.some((chat) => chat.id === id)) return
  write([{ id, title: textOf(first), createdAt: Date.now() }, ...chats])
}

export function removeChat(id: string) {
  localStorage.removeItem(messagesKey(id))
  write(loadChats().filter((chat) => chat.id !== id))
}

/** Calls back when the list of chats changes, in this tab or another one. */
export function onChatsChange(listener: () => void) {
  const onStorage = (event: StorageEvent) => event.key === CHATS && listener()
  window.addEventListener('storage', onStorage)
  window.addEventListener(CHATS, listener)
  return () => {
    window.removeEventListener('storage', onStorage)
    window.removeEventListener(CHATS, listener)
  }
}

export const textOf = (message: UIMessage) =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

function write(chats: ChatInfo[]) {
  localStorage.setItem(CHATS, JSON.stringify(chats))
  window.dispatchEvent(new Event(CHATS))
}

function read<T>(key: string, fallback: T): T {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') ?? fallback
  } catch {
    return fallback
  }
}
