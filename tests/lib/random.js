// Random numbers that can be had again: the seed is printed, and SEED=… repeats a run.

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** A generator of its own for each purpose, so that one test's draws do not shift another's. */
export function seeded(t, purpose) {
  t.diagnostic(`SEED=${seed}`)
  let state = [...purpose].reduce((hash, c) => Math.imul(hash ^ c.codePointAt(0), 0x01000193), seed)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  /** A whole number from `low` to `high`, both included. */
  return { between: (low, high) => low + Math.floor(next() * (high - low + 1)) }
}
