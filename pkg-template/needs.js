// @ts-check
// What the client needs of a platform, for those that do not have all of it, such as React Native.
import { DurableFetchError } from './error.js'

/** What has to be there before the first client, and what brings it along. @type {Record<string, string>} */
const NEEDED = {
  AbortController: 'abort-controller/polyfill',
  Blob: '',
  Headers: '',
  Request: '',
  Response: '',
  ReadableStream: 'web-streams-polyfill/polyfill',
  TextDecoder: 'fast-text-encoding',
  TextEncoder: 'fast-text-encoding',
  URL: 'react-native-url-polyfill/auto',
  'crypto.getRandomValues': 'react-native-get-random-values',
}

/** Throws if something is missing, and says what brings it along. */
export function demand() {
  const missing = Object.keys(NEEDED).filter((path) => typeof at(path) !== 'function')
  if (!missing.length) return
  const each = missing.map((path) => path + (NEEDED[path] && ` (import '${NEEDED[path]}')`))
  throw new DurableFetchError(
    'unsupported',
    `This platform lacks what durablefetch/js needs: ${each.join(', ')}. Load it before the first client is made`,
  )
}

/** @param {string} path */
function at(path) {
  /** @type {any} */
  let value = globalThis
  for (const name of path.split('.')) value = value?.[name]
  return value
}
