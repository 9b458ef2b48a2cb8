// @ts-check
// The one error class. Rust makes its errors through `durableFetchError`, so no second kind exists.

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
 * @param {string} [hint]
 */
export function durableFetchError(code, message, status, cause, hint) {
  hint ??= HINTS[code]?.replace('ORIGIN', globalThis.origin ?? 'https://app.example')
  return new DurableFetchError(code, message, { status, cause, hint })
}

/**
 * What is said of a lost connection: to whom, the status of who answered in the recorder's place, and its type.
 * @type {Record<string, (host: string, status?: number, type?: string) => string>}
 */
const LOST = {
  network: (host) => `the connection to ${host} is lost`,
  unreachable: (host) => `no durablefetch recorder answers at ${host}`,
  stranger: (host, status, type = 'no type') =>
    `what answers at ${host} is not a durablefetch recorder (${status}, ${type}): is ` +
    (host[0] === '/' ? 'the rewrite there?' : "it another program's port?"),
  proxy: (host, status) => `a proxy in front of ${host} answers ${status}`,
  held: (host) => `a proxy in front of ${host} passes status calls and holds bodies`,
  misfit: (host, status) =>
    `what answers in the place of ${host} (${status}) answers another request: ` +
    'a cache, a service worker or a proxy keeps answers',
  redirected: (host) =>
    `what answers at ${host} sends requests elsewhere (a redirect), and a durablefetch recorder never does. Is there ` +
    'a login, a change to https or a trailing slash in front of it? Give durablefetchHost the address that it is to be',
}

/** @type {Record<string, string>} */
const CODES = { network: 'network', unreachable: 'unreachable', stranger: 'unreachable' }

/**
 * What of an address keeps it from being reached.
 * @type {Record<string, (host: string) => string>}
 */
const FLAWS = {
  scheme: (host) => `Without a scheme it is https: write ${host.replace('https', 'http')}`,
  mixed: () =>
    'Browsers block what a page of https asks of http (mixed content): give the recorder TLS, ' +
    "or mount it under the page's own origin",
}

/**
 * A lost connection. The words that it begins with are those by which frameworks know it.
 * @param {string} kind
 * @param {string} host
 * @param {number | undefined} status
 * @param {unknown} cause
 * @param {string | undefined} detail the type of what answered, or a flaw of the address
 */
export function lost(kind, host, status, cause, detail) {
  const code = CODES[kind] ?? 'intermediary'
  const hint = kind === 'unreachable' && detail ? FLAWS[detail](host) : undefined
  return durableFetchError(code, `network error: ${LOST[kind](host, status, detail)}`, status, cause, hint)
}

/**
 * The recorder's own words. Where they have one by which frameworks know a lost connection, a word joiner, which nobody
 * sees, parts it.
 * @param {string} words
 */
export const parted = (words) => words.replace(/net(?=work)|f(?=etch)/gi, '$&\u2060')
