// @ts-check
// The recorder of a project in development, for the plugins: named, or started at first use and shared.
import { attach, dataOf } from './shared.js'

/** @type {Map<string, Promise<string>>} by folder and flags, over reloads of a plugin */
const started = /** @type {any} */ ((globalThis[Symbol.for('durablefetch-recorder')] ??= new Map()))

/**
 * Resolves to the address of the project's recorder.
 * @param {import('./options.js').Checked} options
 * @param {string} root the project's folder
 * @param {string[]} [flags] more flags, which follow from the server's own addresses
 * @returns {Promise<string>}
 */
export function recorderOf(options, root, flags = []) {
  if (options.recorder) return Promise.resolve(options.recorder)
  const data = options.data ?? dataOf(root)
  const all = ['--listen', '127.0.0.1:0', ...options.flags, ...flags]
  const key = JSON.stringify([data, all])
  const forget = () => void started.delete(key)
  const start = () => attach({ data, flags: all, onLine: say, onGone: forget })
  const running = started.get(key) ?? start()
  started.set(key, running)
  // What failed is tried again by the next one.
  running.catch(forget)
  return running
}

/** What a log line begins with. */
const TIME = /^\S+Z +/

/** One line to the developer's terminal. @param {string} line */
export const say = (line) => console.error(`durablefetch: ${line.replace(TIME, '')}`)

/** A build that has no recorder to lead to. @param {string} base */
export const sayUnmounted = (base) =>
  say(
    `DURABLEFETCH_URL is not set, so this build mounts no recorder at ${base}: set it, or mount one in front of the app`,
  )
