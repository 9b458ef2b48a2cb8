// @ts-check
// The class that apps see: its methods are own properties, so that they can be passed around detached. What is in
// wasm is made again from the same options once its instance has broken down.
import { DurableFetchError, mustSay } from './error.js'

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

const NO_HOST =
  "is the environment variable set? Without it requests would go elsewhere, by default to durablefetch.com, which is a third party's; leave the option out where that is meant"
const ALL = 'without it the call is about all recordings of the URL; leave it out where that is meant'
const OF_THE_CHAT = "it has to be that of the chat's transport"
const NO_ID = 'all chats without one would be the same; give the chat an id'
const NO_ROUTE = "is the environment variable set? It has to be the chat's route"

/** What a template makes of a variable that is not set, as a host or a part of a path. */
const UNSET = /(^|[/:])(undefined|null)([/:]|$)/

/** What has to be said of the arguments of a call. @type {Record<string, (...args: any[]) => void>} */
const CHECKS = {
  isInProgress: named,
  delete: named,
  stop: named,
  stopChat: (api, chatId) => {
    mustSay({ api }, 'api', OF_THE_CHAT)
    mustSay({ chatId }, 'chatId', OF_THE_CHAT)
  },
  prepareSendMessagesRequest: ofAChat,
  prepareReconnectToStreamRequest: ofAChat,
}

/** @param {any} chat */
function ofAChat(chat) {
  mustSay({ id: chat?.id }, 'id', NO_ID)
}

/** @param {unknown} _what @param {unknown} init */
function named(_what, init) {
  mustSay(init, 'recording', ALL)
  mustSay(init, 'request', ALL)
}

/** Where a plugin of `durablefetch-recorder` has mounted a recorder in the server of this page. */
// @ts-expect-error: only the plugin's bundler knows it
const MOUNTED = typeof __DURABLEFETCH_HOST__ === 'string' ? __DURABLEFETCH_HOST__ : undefined

/** @param {any} options */
function checkHost(options) {
  const name = 'durablefetchHost'
  mustSay(options, name, NO_HOST)
  const host = options?.[name]
  if (UNSET.test(host ?? '')) throw new DurableFetchError('invalid-option', `'${name}' is '${host}': ${NO_HOST}`)
}

/** What is a function of wasm in the options for a chat. */
const TRANSPORT = ['fetch', 'prepareSendMessagesRequest', 'prepareReconnectToStreamRequest']

/**
 * @param {() => { life: import('./platform.js').Life, Client: new (options: unknown, unfinished: Set<string>) => any }} living the instance to use, made if need be
 * @param {(options: any) => boolean} [early] whether a client with these options need not wait for the instance
 */
export function clientClass(living, early) {
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
        CHECKS[name]?.(...args)
        const { life } = living()
        // A closure of wasm answers nothing when its instance breaks down.
        return owner()[name](...args) ?? Promise.reject(life.error)
      } catch (error) {
        return Promise.reject(error)
      }
    }

  return class DurableFetchClient {
    /** @param {any} [options] */
    constructor(options) {
      if (MOUNTED) options = { durablefetchHost: MOUNTED, ...options }
      checkHost(options)
      // Chats whose body is not whole: what the next instance has to know of this one.
      const unfinished = new Set()
      const core = kept((Client) => new Client(options, unfinished))
      if (early?.(options)) options = { ...options }
      else core()
      for (const [name, promises] of Object.entries(METHODS)) define(this, name, calling(core, name, promises))
      const { isInProgress } = /** @type {any} */ (this)
      define(this, 'isInProgress', (/** @type {unknown} */ what, /** @type {unknown} */ init) =>
        Array.isArray(what) ? each(isInProgress, what, init) : isInProgress(what, init),
      )
      define(this, 'chatTransport', (/** @type {any} */ given) => {
        if (given?.api === '') mustSay(given, 'api', NO_ROUTE)
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
