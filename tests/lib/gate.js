// The pace of the mock model in tests: it stops at a word of our choice and goes on when told to, so that
// "in the middle of an answer" is a place and not a moment.
import { EventEmitter, once } from 'node:events'
import { setImmediate as yieldToIo, setTimeout as pause } from 'node:timers/promises'
import { within } from './deadline.js'

export class Gate {
  #limit = Infinity
  #events = new EventEmitter().setMaxListeners(0)
  #waiting = 0
  #delayMs

  /** `delayMs` is the pause before each word while the gate is open. */
  constructor({ delayMs = 1 } = {}) {
    this.#delayMs = delayMs
  }

  /** From now on the model stops before word number `index`; one that waits at an earlier word goes on to it. */
  holdAt(index) {
    this.#limit = index
    this.#events.emit('open')
  }

  /** Lets it go on to the end. */
  open() {
    this.holdAt(Infinity)
  }

  /** Resolves once the model has stopped at the gate. */
  async reached() {
    if (this.#waiting === 0) await within(20_000, 'the model reached the gate', once(this.#events, 'waiting'))
  }

  /** Given to `mockModel`. */
  pace = async (index) => {
    if (this.#delayMs > 0) await pause(this.#delayMs)
    else await yieldToIo()
    while (index >= this.#limit) {
      this.#waiting += 1
      this.#events.emit('waiting')
      await once(this.#events, 'open')
      this.#waiting -= 1
    }
  }
}
