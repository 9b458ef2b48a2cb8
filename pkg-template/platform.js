// @ts-check
// What the client asks of the platform and what is shorter to say in JavaScript. No policy lives here.

/**
 * What an instance of the module has in the page, besides requests. `error`: what it broke down with, once it has.
 * @typedef {{ error: unknown, listening: Set<() => void> }} Life
 * @type {Life}
 */
let life

/** A new instance begins; from now on everything is of that one. @returns {Life} */
export const begin = () => (life = { error: undefined, listening: new Set() })
begin()

const kept = new Map()

/** What storage does not take. Here, as it outlives an instance. */
export const memory = () => kept

/**
 * What this tab keeps under a key, reloads included; in memory where it can keep nothing. With a value: keeps it.
 * @param {string} key
 * @param {unknown} [value]
 */
export function inTab(key, value) {
  try {
    if (value === undefined) return kept.get(key) ?? JSON.parse(sessionStorage.getItem(key) ?? 'null')
    kept.delete(key)
    sessionStorage.setItem(key, JSON.stringify(value))
  } catch {
    // No storage, or what is in it is not JSON.
    if (value !== undefined) kept.set(key, value)
  }
}

/** As many keys as notes may have; what was noted first goes first. */
const MOST_NOTES = 128

/**
 * Notes a value for so long, or takes back what was noted.
 * @param {Map<string, { value: unknown, until: number }>} notes
 * @param {string} key
 * @param {unknown} value
 * @param {number} ms
 */
export function note(notes, key, value, ms) {
  notes.delete(key)
  if (value !== undefined) notes.set(key, { value, until: Date.now() + ms })
  for (const [first] of notes) if (notes.size > MOST_NOTES) notes.delete(first)
}

/** @param {Map<string, { value: unknown, until: number }>} notes @param {string} key */
export function noted(notes, key) {
  const known = notes.get(key)
  return known && known.until > Date.now() ? known.value : undefined
}

/**
 * What a Response says of itself, also one of another realm: nothing unless a recorder has answered with it. Of all
 * else `undefined`.
 * @param {any} what
 */
export function said(what) {
  if (typeof what?.status !== 'number') return
  const { url, headers } = what
  if (!url || !headers.has('durablefetch-state')) return {}
  return { url, recording: headers.get('durablefetch-recording') }
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const NULL_BODY = [101, 103, 204, 205, 304]

/** Whether a response of this status may not have a body. @param {number} status */
export const isNullBody = (status) => NULL_BODY.includes(status)

/** Methods that read a body whole. */
const READERS = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text']

/**
 * The app's response: the upstream's head, a body that reconnects, the upstream's URL.
 * @param {ReadableStream | null} body
 * @param {Response} head
 * @param {string} statusText
 * @param {string} url
 * @param {Ending} ending
 */
export function respond(body, head, statusText, url, ending) {
  const init = { status: head.status, headers: head.headers }
  let response
  try {
    response = new Response(body, { ...init, statusText })
  } catch {
    response = new Response(body, init) // a reason phrase that no HTTP/1.1 could have carried
  }
  return named(response, url, ending)
}

/**
 * Gives a response the upstream's URL, and all its clones too.
 * @param {Response} response
 * @param {string} url
 * @param {Ending} [ending]
 * @returns {Response}
 */
export function named(response, url, ending) {
  const clone = () => named(Response.prototype.clone.call(response), url, ending)
  Object.defineProperties(response, {
    url: { value: url, configurable: true },
    clone: { value: clone, configurable: true, writable: true },
  })
  return ending ? truthful(response, ending) : response
}

/**
 * Where a body is a stream of JavaScript, Chromium says of whatever broke it "TypeError: Failed to fetch", also to
 * an abort, and Firefox "AbortError". With this `text()` and the like reject with what the stream was broken with, as
 * native ones do.
 * @typedef {{ error?: unknown }} Ending what the stream was broken with, once it is
 * @param {any} response
 * @param {Ending} ending
 */
function truthful(response, ending) {
  const mine = life
  for (const name of READERS) {
    const read = response[name]
    if (!read) continue
    const value = () => {
      const { body } = response
      const used = response.bodyUsed || body?.locked
      const told = name === 'arrayBuffer' && body && !used ? whole(response) : read.call(response)
      return used
        ? told
        : told.catch((/** @type {unknown} */ error) => {
            // A body whose instance broke down has nobody to say so but the instance's life. Firefox calls it an abort.
            const isBroken = error instanceof TypeError || /** @type {any} */ (error)?.name === 'AbortError'
            const broken = mine.error && isBroken ? mine.error : error
            throw 'error' in ending ? ending.error : broken
          })
    }
    Object.defineProperty(response, name, { value, configurable: true, writable: true })
  }
  return response
}

/**
 * The bytes of a body, each copied once: what Chromium does with a stream of JavaScript copies it twice.
 * @param {any} response
 */
async function whole({ headers, body }) {
  let all = new Uint8Array(Number(headers.get('content-length')))
  let length = 0
  for (const reader = body.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return length < all.length ? all.buffer.slice(0, length) : all.buffer
    const needed = length + value.length
    if (needed > all.length) {
      const larger = new Uint8Array(Math.max(needed, all.length * 2))
      larger.set(all.subarray(0, length))
      all = larger
    }
    all.set(value, length)
    length = needed
  }
}

/**
 * Calls back when the network or the page comes back. Returns what takes the listeners off again.
 * @param {() => void} callback
 */
export function onWake(callback) {
  const visible = () => document.visibilityState === 'visible' && callback()
  /** @type {[any, string, () => void][]} */
  const all = [
    [globalThis, 'online', callback],
    [globalThis, 'pageshow', callback],
    [globalThis.document, 'visibilitychange', visible],
    [globalThis.document, 'resume', callback],
  ]
  const listeners = all.filter(([target]) => target?.addEventListener)
  for (const [target, type, listener] of listeners) target.addEventListener(type, listener)
  const { listening } = life
  const off = () => {
    listening.delete(off)
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener)
  }
  listening.add(off)
  return off
}

/**
 * A controller for one request, and the signal to send it with: that of the controller, or of the app's if it
 * comes first. The app's own signal is followed without a listener on it wherever the platform can.
 * @param {AbortController} controller
 * @param {AbortSignal | undefined} signal
 */
export function follow(controller, signal) {
  if (!signal) return controller.signal
  if (AbortSignal.any) return AbortSignal.any([controller.signal, signal])
  if (signal.aborted) controller.abort(signal.reason)
  else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
  return controller.signal
}

/**
 * Ends a request or a body that nobody wants any more; what it says to that interests nobody.
 * @param {AbortController | undefined} controller
 * @param {ReadableStreamDefaultReader | ReadableStream | undefined} body
 */
export function letGo(controller, body) {
  controller?.abort()
  if (body && !(/** @type {any} */ (body).locked)) body.cancel().catch(() => {})
}

/** How long a body without bytes may take to end. */
const EMPTY_MS = 5_000

/**
 * Reads the end of a body that has no bytes. An abort in its place, and in Chromium also a reader of its stream, shows in the
 * network panel as a request that failed.
 * @param {AbortController} controller
 * @param {any} response
 */
export async function finish(controller, response) {
  const timer = setTimeout(() => controller.abort(), EMPTY_MS)
  try {
    await response.text()
  } catch {
    // Broken, which is an end as well: nothing is missing.
  }
  clearTimeout(timer)
}

/** @param {string} message @param {string} name */
export const domException = (message, name) => new DOMException(message, name)
