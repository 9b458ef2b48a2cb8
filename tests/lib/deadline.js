// Waiting for an event, but not for ever: a test that hangs says nothing.
import './exit.js'

/** The promise's value, or an error that says what did not happen within `ms`. */
export async function within(ms, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
