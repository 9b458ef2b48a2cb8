// @ts-check
// The one error class. Rust makes its errors through `durableFetchError`, so there is no second kind.

const BRAND = Symbol.for('durablefetch.error')

export class DurableFetchError extends TypeError {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ status?: number, cause?: unknown }} [details]
   */
  constructor(code, message, { status, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
  }

  get name() {
    return 'DurableFetchError'
  }

  get [BRAND]() {
    return true
  }
}

/**
 * Whether this is a DurableFetchError, also one of another realm or of a second copy of this package.
 * @param {any} error
 */
export function isDurableFetchError(error) {
  return typeof error === 'object' && error !== null && error[BRAND] === true
}

/**
 * @param {string} code
 * @param {string} message
 * @param {number | undefined} status
 * @param {unknown} cause
 */
export function durableFetchError(code, message, status, cause) {
  return new DurableFetchError(code, message, { status, cause })
}
