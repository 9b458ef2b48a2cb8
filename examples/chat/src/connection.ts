// Which chats are waiting for their connection to come back: what `onReconnect` said last, as a React store.
import { useSyncExternalStore } from 'react'
import type { ReconnectEvent } from 'durablefetch'

const waiting = new Map<string, ReconnectEvent>()
const listeners = new Set<() => void>()

/** Given to the client as `onReconnect`. */
export function reportReconnect(event: ReconnectEvent) {
  const chatId = new URL(event.url).searchParams.get('chatId')
  if (!chatId) return
  if (event.phase === 'waiting') waiting.set(chatId, event)
  else waiting.delete(chatId)
  listeners.forEach((listener) => listener())
}

/** A body that was given up says no more: what it waited for is over with it. */
export function forgetReconnect(chatId: string) {
  if (waiting.delete(chatId)) listeners.forEach((listener) => listener())
}

/** The reconnect that a chat is waiting for, if it is waiting for one. */
export function useReconnect(chatId: string): ReconnectEvent | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => waiting.get(chatId),
  )
}
