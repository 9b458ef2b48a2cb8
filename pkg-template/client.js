// @ts-check
// The class that apps see: its methods are own properties, so that they can be passed around detached. What is in
// wasm is made again from the same options once its instance has broken down.

/** Whether a call is a promise, which then is what rejects. @type {Record<string, boolean>} */
const METHODS = {
  fetch: true,
  isInProgress: true,
  delete: true,
  stop: true,
  stopChat: true,
  saveLastMessage: false,
  lastMessage: false,
  clearLastMessage: false,
  resumeLastMessage: true,
}

/** What is a function of wasm in the options for a chat. */
const TRANSPORT = ['fetch', 'prepareSendMessagesRequest', 'prepareReconnectToStreamRequest']

/**
 * @param {() => { life: import('./platform.js').Life, Client: new (options: unknown, unfinished: Set<string>) => any }} living the instance to use, made if need be
 */
export function clientClass(living) {
  /**
   * A function that answers the same thing for as long as its instance lives.
   * @param {(Client: new (options: unknown, unfinished: Set<string>) => any) => any} make
   */
  const kept = (make) => {
    /** @type {unknown} */
    let of
    /** @type {any} */
    let made
    return () => {
      const instance = living()
      if (of !== instance) {
        made = make(instance.Client)
        of = instance
      }
      return made
    }
  }

  /** @param {() => any} owner @param {string} name @param {boolean} promises */
  const calling =
    (owner, name, promises) =>
    (/** @type {unknown[]} */ ...args) => {
      if (!promises) return owner()[name](...args)
      try {
        const { life } = living()
        // A closure of wasm answers nothing when its instance breaks down.
        return owner()[name](...args) ?? Promise.reject(life.error)
      } catch (error) {
        return Promise.reject(error)
      }
    }

  return class DurableFetchClient {
    /** @param {unknown} [options] */
    constructor(options) {
      // Chats whose body is not whole: what the next instance has to know of this one.
      const unfinished = new Set()
      const core = kept((Client) => new Client(options, unfinished))
      core()
      for (const [name, promises] of Object.entries(METHODS)) define(this, name, calling(core, name, promises))
      const { isInProgress } = /** @type {any} */ (this)
      define(this, 'isInProgress', (/** @type {unknown} */ what, /** @type {unknown} */ init) =>
        Array.isArray(what) ? each(isInProgress, what, init) : isInProgress(what, init),
      )
      define(this, 'chatTransport', (/** @type {unknown} */ given) => {
        const transport = kept(() => core().chatTransport(given))
        const result = { ...transport() }
        for (const name of TRANSPORT) result[name] = calling(transport, name, true)
        return result
      })
    }
  }
}

/** As many URLs as one question may have. */
const MOST_URLS = 100

/**
 * `isInProgress` of many URLs: asked together, it answers for all of them, or for the first.
 * @param {(what: unknown, init: unknown) => Promise<any>} ask
 * @param {unknown[]} urls
 * @param {unknown} init
 */
async function each(ask, urls, init) {
  const answers = []
  while (answers.length < urls.length) {
    const rest = urls.slice(answers.length, answers.length + MOST_URLS)
    answers.push(...[await ask(rest, init)].flat())
  }
  return answers
}

/** @param {object} target @param {string} name @param {unknown} value */
function define(target, name, value) {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}
