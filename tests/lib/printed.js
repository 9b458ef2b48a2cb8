// A program that a test has started: what it prints, and how it ends.
import { once } from 'node:events'
import { within } from './deadline.js'

/** `child`: with pipes as stdout and stderr. `command`: what it is called where it takes longer than `patienceMs`. */
export function printed(child, command, patienceMs) {
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (data) => {
      printed[name] += data
      child.emit('printed')
    })
  }
  const closed = once(child, 'close')
  const match = async (pattern, name) => {
    for (;;) {
      const found = pattern.exec(printed[name])
      if (found) return found
      await once(child, 'printed')
    }
  }
  return {
    child,
    printed,
    /** Resolves with the match once the output has it. */
    until: (pattern, name = 'stdout') => within(patienceMs, `${pattern} in ${name}`, match(pattern, name)),
    /** Resolves with `{ code, signal, stdout, stderr }` when it has ended. */
    async ended() {
      const [code, signal] = await within(patienceMs, `the end of ${command}`, closed)
      return { code, signal, ...printed }
    },
  }
}
