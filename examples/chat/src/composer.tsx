import { useRef, type FormEvent, type KeyboardEvent } from 'react'

type Props = { busy: boolean; onSend: (text: string) => void; onStop: () => void }

export function Composer({ busy, onSend, onStop }: Props) {
  const form = useRef<HTMLFormElement>(null)

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const text = String(new FormData(event.currentTarget).get('message') ?? '').trim()
    if (!text || busy) return
    onSend(text)
    event.currentTarget.reset()
  }
  const sendOnEnter = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    form.current?.requestSubmit()
  }

  return (
    <form className="composer" ref={form} onSubmit={submit}>
      <textarea
        name="message"
        rows={1}
        autoFocus
        placeholder="Ask anything"
        aria-label="Message"
        onKeyDown={sendOnEnter}
      />
      {busy ? (
        <button type="button" className="stop" onClick={onStop} aria-label="Stop">
          <svg viewBox="0 0 16 16" aria-hidden>
            <rect x="4" y="4" width="8" height="8" rx="1.5" />
          </svg>
        </button>
      ) : (
        <button type="submit" aria-label="Send">
          <svg viewBox="0 0 16 16" aria-hidden>
            <path d="M8 13V3M3.5 7.5 8 3l4.5 4.5" />
          </svg>
        </button>
      )}
    </form>
  )
}
