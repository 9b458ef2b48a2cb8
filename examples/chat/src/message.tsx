import { memo } from 'react'
import type { UIMessage } from 'ai'
import { textOf } from './storage'

/** One message; `growing` while its answer is still being written. */
export const Message = memo(function Message({ message, growing }: { message: UIMessage; growing: boolean }) {
  return (
    <article className={`message ${message.role}`} data-role={message.role} data-growing={growing || undefined}>
      <span className="who">{message.role === 'user' ? 'You' : 'Assistant'}</span>
      <div className="text">{textOf(message)}</div>
    </article>
  )
})
