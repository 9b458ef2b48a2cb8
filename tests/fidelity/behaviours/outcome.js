// How an attempt ended, as a word that can be compared.

/** `'fulfilled'`, `"the signal's reason"` (the very object), or the kind of error. */
export async function outcome(attempt, reason) {
  try {
    await attempt()
    return 'fulfilled'
  } catch (error) {
    return kindOf(error, reason)
  }
}

export function kindOf(error, reason) {
  if (reason !== undefined && error === reason) return "the signal's reason"
  if (error instanceof DOMException) return error.name
  // A subclass is a TypeError to whoever catches it.
  if (error instanceof TypeError) return 'TypeError'
  return error instanceof Error ? error.name : String(error)
}

/** True if it threw before it returned a promise: fetch never does. */
export function throwsAtOnce(attempt) {
  try {
    attempt().catch(() => {})
    return false
  } catch {
    return true
  }
}
