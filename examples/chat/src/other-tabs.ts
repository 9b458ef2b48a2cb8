// Other tabs with the same chat: how many there are, and when one of them starts an answer.
import { useCallback, useEffect, useRef, useState } from 'react'

type Note = { from: string; kind: 'hello' | 'here' | 'bye' | 'answering' }

const me = crypto.randomUUID()

export function useOtherTabs(chatId: string, onAnswering: () => void) {
  const [others, setOthers] = useState<ReadonlySet<string>>(new Set())
  const channel = useRef<BroadcastChannel>(undefined)
  const latest = useRef(onAnswering)
  latest.current = onAnswering

  useEffect(() => {
    const opened = new BroadcastChannel(`chat:${chatId}`)
    channel.current = opened
    const say = (kind: Note['kind']) => opened.postMessage({ from: me, kind } satisfies Note)
    opened.onmessage = ({ data }: MessageEvent<Note>) => {
      if (data.kind === 'hello') say('here')
      if (data.kind === 'answering') latest.current()
      setOthers((known) => {
        const next = new Set(known)
        if (data.kind === 'bye') next.delete(data.from)
        else next.add(data.from)
        return next
      })
    }
    const bye = () => say('bye')
    window.addEventListener('pagehide', bye)
    say('hello')
    return () => {
      window.removeEventListener('pagehide', bye)
      bye()
      opened.close()
      setOthers(new Set())
    }
  }, [chatId])

  /** Tells the other tabs that an answer to this chat has begun. */
  const announce = useCallback(() => {
    channel.current?.postMessage({ from: me, kind: 'answering' } satisfies Note)
  }, [])
  return { count: others.size, announce }
}
