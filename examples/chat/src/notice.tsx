import type { ReconnectEvent } from 'durablefetch'
import { pullThePlug } from './plug'

type Props = {
  busy: boolean
  error: Error | undefined
  reconnect: ReconnectEvent | undefined
  /** Whether the answer began before this page came to it. */
  resumed: boolean
  otherTabs: number
  onRetry: () => void
}

/** The line above the composer: what the connection does, and what one could try. */
export function Notice({ busy, error, reconnect, resumed, otherTabs, onRetry }: Props) {
  if (error) {
    return (
      <div className="notice error" role="alert">
        <span>The answer broke off: {forPeople(error.message)}</span>
        <button onClick={onRetry}>Ask again</button>
      </div>
    )
  }
  if (busy && reconnect) {
    return (
      <div className="notice reconnecting" role="status">
        <span className="pulse" aria-hidden />
        Connection lost. Reconnecting, the answer is being recorded meanwhile ({kilobytes(reconnect.offset)} here so
        far)
      </div>
    )
  }
  if (busy) {
    return (
      <div className="notice try" role="status">
        <span>
          {resumed ? 'Picked up, nothing is missing. Once more: reload' : 'Try to break it: reload'},{' '}
          <a href={location.href} target="_blank" rel="noopener">
            open a second tab
          </a>
          {otherTabs > 0 && ` (${otherTabs} following)`}, or
        </span>
        <button onClick={pullThePlug}>pull the plug</button>
      </div>
    )
  }
  return (
    <div className="notice">
      {otherTabs > 0 &&
        `Also open in ${otherTabs === 1 ? 'another tab' : `${otherTabs} other tabs`}: answers appear in all of them.`}
    </div>
  )
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`
/** Messages of lost connections begin with words that are meant for frameworks. */
const forPeople = (message: string) => message.replace(/^network error: /, '')
