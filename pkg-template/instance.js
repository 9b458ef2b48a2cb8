// @ts-check
// One instance for all entries, made at first use and again after a trap. A failed attempt is repeated.

/**
 * @typedef {{ life: import('./platform.js').Life, Client: new (options: unknown, unfinished: Set<string>) => any }} Instance
 * @type {Instance | undefined}
 */
let current
/** What made it. After a trap that makes it again, whichever entry is used then. @type {(() => Instance) | undefined} */
let again

/**
 * What gives the instance to use.
 * @param {() => Instance} make
 */
export const living = (make) => () => {
  if (!current || current.life.error) current = (again ?? make)()
  again ??= make
  return current
}

/** Whether some entry has made it. */
export const isMade = () => current !== undefined
