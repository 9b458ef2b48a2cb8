// Child processes: programs that end, and servers that say where they listen.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify, stripVTControlCharacters } from 'node:util'
import { within } from '../../lib/deadline.js'

const exec = promisify(execFile)

// A program that phones home, colours its output or waits for a person has no place in a test.
const QUIET = {
  CI: '1',
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
  NODE_ENV: undefined,
  NODE_OPTIONS: undefined,
  // Set by `node --test` for its own children; theirs are not test files.
  NODE_TEST_CONTEXT: undefined,
  NEXT_TELEMETRY_DISABLED: '1',
  DENO_NO_UPDATE_CHECK: '1',
  WRANGLER_SEND_METRICS: 'false',
}

/** Runs a program to its end, which must come within `timeout` ms. Fails with all of its output. */
export async function run(program, args, { cwd, env = {}, timeout = 240_000 }) {
  try {
    return await exec(program, args, {
      cwd,
      env: { ...process.env, ...QUIET, ...env },
      timeout,
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 26,
    })
  } catch (error) {
    throw new Error(`${[program, ...args].join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`, {
      cause: error,
    })
  }
}

/**
 * Starts a server and resolves with `{ found, output, stop }` once a line of its output matches `ready`. It and its
 * children are gone after the test. `stop(signal)` ends them sooner, by SIGKILL unless another one is named. `pipes`: further file
 * descriptors to read lines from, from 3 on.
 */
export async function serve(t, program, args, { cwd, env = {}, ready, pipes = 0 }) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...QUIET, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...Array(pipes).fill('pipe')],
    detached: true, // a process group of its own, so that its children can be ended with it
  })
  const lines = []
  const output = () => lines.join('\n')
  const command = [program, ...args].join(' ')
  const found = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Error(`${command} ended (${signal ?? code}):\n${output()}`)))
    for (const stream of child.stdio.slice(1)) {
      createInterface({ input: stream }).on('line', (coloured) => {
        // Some colour what nobody looks at, whatever NO_COLOR says.
        const line = stripVTControlCharacters(coloured)
        lines.push(line)
        const match = ready.exec(line)
        if (match) resolve(match)
      })
    }
  })
  const stop = async (signal = 'SIGKILL') => {
    if (child.exitCode !== null || child.signalCode !== null || !child.pid) return
    const gone = once(child, 'exit')
    process.kill(-child.pid, signal)
    await gone
  }
  t.after(() => stop())
  try {
    return { found: await within(120_000, `${command} says that it is ready`, found), output, stop }
  } catch (error) {
    throw new Error(`${error.message}\n${output()}`, { cause: error })
  }
}
