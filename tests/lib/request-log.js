// What a server of a test was asked, and how each answer ended.
import { EventEmitter, once } from 'node:events'
import { within } from './deadline.js'

export function requestLog() {
  /** Oldest first. */
  const requests = []
  const events = new EventEmitter().setMaxListeners(0)

  /** Resolves with what `found` gives, once it gives something. Looked at whenever a request comes or ends. */
  function when(what, found, ms = 20_000) {
    const waiting = async () => {
      while (!found()) await once(events, 'change')
      return found()
    }
    return within(ms, what, waiting())
  }

  return {
    requests,
    when,
    /** Lists a request. Its `state` is `open` until the answer is `finished` or the other side has `hung up`. */
    add(entry, response) {
      entry.state = 'open'
      requests.push(entry)
      events.emit('change')
      response.on('close', () => {
        // `writableFinished` tells a whole answer from a connection that went away under it.
        entry.state = response.writableFinished ? 'finished' : 'hung up'
        entry.closedAt = Date.now()
        events.emit('change')
      })
    },
    /** Resolves with request number `index`, once it is in this state. */
    until(index, state, ms) {
      const found = () => requests[index]?.state === state && requests[index]
      return when(`request ${index} is ${state}`, found, ms)
    },
  }
}
