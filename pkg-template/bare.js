// @ts-check
// platform.js where the platform is not all of a browser's, as with React Native: without a Response that takes a stream,
// without DOMException, without a signal's reason. It is the platform's own wherever that will do.
import { named, domException as nativeException, respond as nativeRespond } from './platform.js'

export * from './platform.js'

/** @type {boolean | undefined} */
let streams

/** Whether a Response hands out the stream that it was made of. React Native's makes a text of it. */
function takesStreams() {
  streams ??= new Response(new ReadableStream()).body instanceof ReadableStream
  return streams
}

/**
 * @param {ReadableStream | null} body
 * @param {Response} head
 * @param {string} statusText
 * @param {string} url
 * @param {import('./platform.js').Ending} ending
 */
export const respond = (body, head, statusText, url, ending) =>
  !body || takesStreams() ? nativeRespond(body, head, statusText, url, ending) : streamed(body, head, statusText, url)

/**
 * A Response of this platform with a body of its own.
 * @param {ReadableStream} stream
 * @param {any} head
 * @param {string} statusText
 * @param {string} url
 * @returns {any}
 */
function streamed(stream, head, statusText, url) {
  const { status, headers } = head
  const response = named(new Response(null, { status, headers, statusText }), url)
  let body = stream
  let isUsed = false
  const read = async () => {
    if (isUsed || body.locked) throw new TypeError('The body is being read, or was')
    isUsed = true
    return whole(body)
  }
  const text = async () => new TextDecoder().decode(await read())
  const methods = {
    bytes: read,
    arrayBuffer: async () => (await read()).buffer,
    text,
    json: async () => JSON.parse(await text()),
    blob: async () => new Blob([/** @type {any} */ (await read())], { type: headers.get('content-type') ?? '' }),
    formData: async () => {
      throw new TypeError('This platform reads no form from a stream')
    },
    clone() {
      if (isUsed || body.locked) throw new TypeError('The body is being read, or was')
      const [one, other] = body.tee()
      body = one
      return streamed(other, head, statusText, url)
    },
  }
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(response, name, { value, configurable: true, writable: true })
  }
  return Object.defineProperties(response, {
    body: { get: () => body, configurable: true },
    bodyUsed: { get: () => isUsed || body.locked, configurable: true },
  })
}

/** @param {ReadableStream<Uint8Array>} body */
async function whole(body) {
  const chunks = []
  let length = 0
  const reader = body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value)
    length += next.value.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** @param {string} message @param {string} name @returns {Error} */
export const domException = (message, name) =>
  typeof DOMException === 'function' ? nativeException(message, name) : Object.assign(new Error(message), { name })

/** Why a signal was aborted, also where signals do not say. @param {AbortSignal} signal */
export const reasonOf = (signal) =>
  signal.reason ?? (signal.aborted ? domException('The operation was aborted', 'AbortError') : undefined)
