// @ts-check
// What fetch is called with, as the platform reads it.

/**
 * Whether this is a Request, also one of another realm or of a polyfill.
 * @param {any} input
 */
export const isRequest = (input) =>
  typeof input === 'object' && input !== null && typeof input.url === 'string' && typeof input.method === 'string'

/**
 * The platform's own reading of what fetch was called with, but for bodies with which platforms differ:
 * - A form becomes the bytes that the platform would send, since they are sent again after a cut: WebKit does not give them
 *   back if there is a file among them.
 * - Bytes are copied: WebKit reads them only when they are sent.
 * - A stream is read where the platform takes none: Firefox would send the words "[object ReadableStream]".
 * @param {any} input
 * @param {any} init
 */
export function request(input, init) {
  const given = init?.body
  // WebKit takes whatever stands here.
  if (init?.signal != null && typeof init.signal.aborted !== 'boolean')
    throw new TypeError('signal is not an AbortSignal')
  const isWords = isStream(given) && !takesStreams().whole
  const body = isWords ? new Blob() : bytesOf(given)
  const request = new Request(input, body ? { ...members(init), body } : init)
  if (isWords) {
    const read = new Response(given)
    request.blob = () => read.blob()
  }
  return request
}

/**
 * The members of an init, those of its prototype included: it may be an object made from defaults, or a Request.
 * @param {any} init
 */
export function members(init) {
  /** @type {any} */
  const all = {}
  for (const name in init) all[name] = init[name]
  return all
}

/** What is about one request, its body or its connection, and not about who asks. */
const OF_ONE_REQUEST =
  /^(content-|if-|durablefetch-)|^(range|expect|accept-encoding|upgrade|te|trailer|transfer-encoding|connection|keep-alive)$/

/** The headers of a request, for others on its behalf. @param {Headers} headers */
export const repeated = (headers) => new Headers([...headers].filter(([name]) => !OF_ONE_REQUEST.test(name)))

/**
 * Headers in whatever form they are given. Throws if they have no such form, or if a value is missing:
 * `{ 'x-key': process.env.KEY }` would be sent as the word "undefined".
 * @param {any} given
 */
export function headersOf(given) {
  if (typeof given !== 'object' || given.then) throw new TypeError()
  const pairs = given[Symbol.iterator] ? [...given] : Object.entries(given)
  if (pairs.some(([, value]) => value == null)) throw new TypeError()
  return new Headers(pairs)
}

/** What was added to the headers of a request: the names. @type {WeakMap<Headers, string[]>} */
const added = new WeakMap()

/** @param {Headers} headers */
export const isExtended = (headers) => added.has(headers)

/**
 * Adds more headers to those of a request, whose own win. What was added before goes.
 * @param {Headers} headers
 * @param {Headers} [more]
 */
export function extend(headers, more) {
  for (const name of added.get(headers) ?? []) headers.delete(name)
  const pairs = [...(more ?? [])].filter(([name]) => !headers.has(name) && !name.startsWith('durablefetch-'))
  for (const [name, value] of pairs) headers.set(name, value)
  added.set(
    headers,
    pairs.map(([name]) => name),
  )
}

/** @param {any} body */
const isStream = (body) => typeof ReadableStream === 'function' && body instanceof ReadableStream

/** Whether this can be sent as it comes. Of browsers only those can whose requests have a `duplex`. @param {any} body */
export const streams = (body) => isStream(body) && (takesStreams().duplex || typeof location === 'undefined')

/** @type {{ duplex: boolean, whole: boolean } | undefined} */
let takes

/** What the platform does with a stream as a body: reads `duplex`, as the standard says; takes it for a stream at all. */
function takesStreams() {
  if (!takes) {
    let duplex = false
    const body = new ReadableStream()
    const init = {
      method: 'POST',
      body,
      get duplex() {
        duplex = true
        return 'half'
      },
    }
    const request = new Request('https://example.com', /** @type {any} */ (init))
    takes = { duplex, whole: !request.headers.has('content-type') }
  }
  return takes
}

/**
 * Keeps a request out of caches, where requests may say how they are cached; workerd before 2024-11-11 throws at it and
 * caches nothing. No cache has anything for a POST, and for a request that says `no-store` Chromium asks anew what a
 * preflight has allowed.
 * @param {RequestInit} init
 */
export function chooseCache(init) {
  const cache = /GET|HEAD/.test(`${init.method}`) ? 'no-store' : 'default'
  try {
    new Request('https://example.com', { cache })
    init.cache = cache
  } catch {}
}

/**
 * Bytes, copied, or a form as bytes (HTML standard, "multipart/form-data encoding algorithm"); nothing for any other body.
 * @param {any} body
 */
function bytesOf(body) {
  if (ArrayBuffer.isView(body) || kindOf(body) === 'ArrayBuffer') return new Blob([/** @type {any} */ (body)])
  const entries = entriesOf(body)
  if (!entries) return
  // Nobody can foresee it, so no part can contain it on purpose.
  const boundary = `----durablefetch${crypto.getRandomValues(new Uint32Array(4)).join('')}`
  const parts = entries.flatMap(([name, value]) => {
    const is = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(lines(name))}"`
    if (typeof value === 'string') return [`${is}\r\n\r\n${lines(value)}\r\n`]
    const type = value.type || 'application/octet-stream'
    return [`${is}; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value, '\r\n']
  })
  return new Blob([...parts, `--${boundary}--\r\n`], { type: `multipart/form-data; boundary=${boundary}` })
}

/**
 * What is in a FormData, also in one of another realm. One of a polyfill is to the platform what it is.
 * @param {any} body
 * @returns {[string, string | File][] | undefined}
 */
function entriesOf(body) {
  if (kindOf(body) !== 'FormData') return
  try {
    return [...FormData.prototype.entries.call(body)]
  } catch {}
}

/** Also of what comes from another realm. @param {any} value */
const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1)

/** @param {string} text */
const lines = (text) => text.replace(/\r\n?|\n/g, '\r\n')

/** @param {string} text */
const quoted = (text) => text.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22')
