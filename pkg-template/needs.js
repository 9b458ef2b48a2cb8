// @ts-check
// What the client needs of a platform, for those that do not have all of it, such as React Native.
import { DurableFetchError } from './error.js'

const BASIC = 'part of React Native, browsers and Node'
const TEXT = "import 'fast-text-encoding'"

/** What has to be there before the first client, and where to get it. @type {Record<string, string>} */
const NEEDED = {
  AbortController: BASIC,
  Blob: BASIC,
  Headers: BASIC,
  Request: BASIC,
  Response: BASIC,
  ReadableStream: "import 'web-streams-polyfill/polyfill'",
  TextDecoder: TEXT,
  TextEncoder: TEXT,
  URL: "import 'react-native-url-polyfill/auto'",
  'crypto.getRandomValues': "import 'react-native-get-random-values'",
}

/** Throws if something is missing, and says where to get it. */
export function demand() {
  const missing = Object.keys(NEEDED).filter((path) => typeof at(path) !== 'function')
  if (!missing.length) return
  const remedies = new Set(missing.map((path) => NEEDED[path]))
  throw new DurableFetchError(
    'unsupported',
    `This platform has no ${missing.join(', no ')}, which durablefetch needs. Load it before the first client: ${[...remedies].join('; ')}`,
  )
}

/** @param {string} path */
function at(path) {
  /** @type {any} */
  let value = globalThis
  for (const name of path.split('.')) value = value?.[name]
  return value
}
