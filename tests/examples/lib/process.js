// A program of an example, as a child process whose output is watched.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { within } from '../../lib/deadline.js'

/** Gone after the test. */
export function start(t, program, args, { cwd, env = {} }) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let text = ''
  const looks = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      text += part
      for (const look of looks) look()
    })
  }
  const exit = once(child, 'close')
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL') // its own group: what it has started goes with it
      await exit
    }
  })
  return {
    output: () => text,
    kill: async (signal) => {
      child.kill(signal)
      await exit
    },
    /** Resolves with the exit code. */
    ended: async (ms = 60_000) => {
      const [code] = await within(ms, `${program} ${args.join(' ')} ends`, exit)
      return code
    },
    /** Resolves with the first match of a pattern, or of a string, in all of the output. */
    prints: (what, ms = 60_000) => {
      const found = () => (typeof what === 'string' ? (text.includes(what) ? [what] : null) : what.exec(text))
      const seen = new Promise((resolve, reject) => {
        const look = () => found() && resolve(found())
        looks.add(look)
        look()
        exit.then(() => found() ?? reject(new Error(`it ended without printing ${what}:\n${text}`)))
      })
      return within(ms, `${program} prints ${what}`, seen)
    },
  }
}
