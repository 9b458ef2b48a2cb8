// A plug to pull: breaks every open connection, and lets nothing through for a few seconds. A demo needs one.

const OUTAGE_MS = 3000

let cord = new AbortController()
let outUntil = 0

const lost = () => new TypeError('network error: somebody pulled the plug')

/** `fetch`, as long as the plug is in. */
export const pluggable: typeof fetch = (input, init) => {
  if (Date.now() < outUntil) return Promise.reject(lost())
  const own = init?.signal ?? (input instanceof Request ? input.signal : undefined)
  const signal = own ? AbortSignal.any([own, cord.signal]) : cord.signal
  return fetch(input, { ...init, signal })
}

/** Breaks all connections of this page, for three seconds. */
export function pullThePlug() {
  outUntil = Date.now() + OUTAGE_MS
  cord.abort(lost())
  cord = new AbortController()
}
