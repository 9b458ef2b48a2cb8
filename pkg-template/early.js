// @ts-check
// The instance is made while the app starts, for clients that do not need it to be constructed.
import { load } from './compile.js'
import { isMade } from './instance.js'

/** Options that may be a function, and then need no look. */
const FUNCTIONS = ['token', 'headers', 'fetch', 'onReconnect']

/**
 * Whether options are right at a glance. All others are looked at by the module.
 * @param {any} options
 */
const isPlain = (options) =>
  options?.durablefetchHost &&
  Object.entries(options).every(([name, value]) =>
    name === 'durablefetchHost'
      ? /^\/[\w-]+$/.test(value) || (/^https?:[^?#@]+$/.test(value) && URL.canParse?.(value))
      : FUNCTIONS.includes(name) && typeof value === 'function',
  )

let isUnderWay = false

/**
 * Has the module compiled beside what the app does next, unless it is there or was refused.
 * @param {() => BufferSource} source
 */
export const early = (source) => (/** @type {any} */ options) => {
  if (isMade() || !globalThis.WebAssembly || !isPlain(options)) return false
  // What is wrong is told to the first call.
  if (!isUnderWay) setTimeout(() => isMade() || load(source()).catch(() => {}))
  isUnderWay = true
  return true
}
