// @ts-check
// What all plugins can be told, checked.
import { SetupError } from './binary.cjs'

/**
 * @typedef {object} Options
 * @property {string} [recorder]
 * @property {string} [base]
 * @property {string | string[]} [allow]
 * @property {Record<string, string>} [map]
 * @property {string[]} [flags]
 * @property {string} [data]
 *
 * @typedef {{ recorder: string | undefined, base: string, flags: string[], data: string | undefined, isRestricted: boolean }} Checked
 */

const KNOWN = ['recorder', 'base', 'allow', 'map', 'flags', 'data']

/** @param {Options} [options] @returns {Checked} */
export function checked(options = {}) {
  for (const name of Object.keys(options)) {
    if (!KNOWN.includes(name)) {
      throw new SetupError(`the plugin has no option '${name}': it knows ${KNOWN.join(', ')}`)
    }
  }
  const { base = '/df', allow = [], map = {}, flags = [], data } = options
  if (!/^(\/[\w.~-]+)+$/.test(base)) {
    throw new SetupError(`the option 'base' is '${base}', which is not a path such as '/df'`)
  }
  const allowed = [allow].flat()
  return {
    recorder:
      address(options.recorder, "the option 'recorder'") ?? address(process.env.DURABLEFETCH_URL, 'DURABLEFETCH_URL'),
    base,
    flags: [
      ...allowed.flatMap((prefix) => ['--allow', prefix]),
      ...Object.entries(map).flatMap(([from, to]) => ['--map', `${from}=${to}`]),
      ...flags,
    ],
    data,
    isRestricted: allowed.length > 0,
  }
}

/** @param {string | undefined} text @param {string} what @returns {string | undefined} without a slash at the end */
function address(text, what) {
  if (text === undefined || text === '') return undefined
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) {
    throw new SetupError(`${what} is '${text}', which is not an address such as 'http://localhost:8787'`)
  }
  return text.replace(/\/+$/, '')
}
