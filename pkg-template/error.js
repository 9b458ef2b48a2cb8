// @ts-check
// The one error class. Rust makes its errors through `durableFetchError`, so there is no second kind.

const BRAND = Symbol.for('durablefetch.error')

export class DurableFetchError extends TypeError {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ status?: number, cause?: unknown, hint?: string }} [details]
   */
  constructor(code, message, { status, cause, hint } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
    this.hint = hint
  }

  get name() {
    return 'DurableFetchError'
  }

  get [BRAND]() {
    return true
  }
}

/**
 * Throws if this is there and says nothing, most likely by mistake (a variable that is not set, an id that got lost), where
 * leaving it out means something that is not harmless.
 * @param {any} of
 * @param {string} name
 * @param {string} remedy
 */
export function mustSay(of, name, remedy) {
  const value = of?.[name]
  if (Object(of) !== of || !(name in of) || (value ?? '') !== '') return
  throw new DurableFetchError('invalid-option', `'${name}' is ${value === '' ? 'empty' : value}: ${remedy}`)
}

/**
 * Whether this is a DurableFetchError, also one of another realm or of a second copy of this package.
 * @param {any} error
 */
export function isDurableFetchError(error) {
  return typeof error === 'object' && error !== null && error[BRAND] === true
}

/**
 * What a developer looks at, the likeliest first.
 * @type {Record<string, string>}
 */
const HINTS = {
  unreachable:
    'Is the recorder running, and is durablefetchHost its address (http:// where it has no TLS)? ' +
    "Does it allow this page's origin (--origin ORIGIN)? Does the page's Content-Security-Policy (connect-src)?",
  intermediary:
    'Look at what stands in front of the recorder: its log, time limits, buffering and redirects. ' +
    '`durablefetch check` measures it.',
  unauthorized: "Give the client the option 'token', or see that the credential that the recorder goes by is sent.",
  'forbidden-origin': 'Start the recorder with --origin ORIGIN.',
  'upstream-unreachable':
    'The recorder connects, not the page: try the URL on its machine. In a container, localhost is the container.',
}

/**
 * @param {string} code
 * @param {string} message
 * @param {number | undefined} status
 * @param {unknown} cause
 * @param {string | undefined} hint
 */
export function durableFetchError(code, message, status, cause, hint) {
  hint ??= HINTS[code]?.replace('ORIGIN', globalThis.origin ?? 'https://app.example')
  return new DurableFetchError(code, message, { status, cause, hint })
}

/**
 * The recorder's own words. Where they have one by which frameworks know a lost connection, a word joiner, which nobody
 * sees, parts it.
 * @param {string} words
 */
export const parted = (words) => words.replace(/net(?=work)|f(?=etch)/gi, '$&\u2060')
