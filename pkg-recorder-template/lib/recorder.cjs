// @ts-check
// A recorder as a child process.
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { SetupError } = require('./binary.cjs')
const { startProgram } = require('./program.cjs')

/**
 * @typedef {object} Running
 * @property {string} url where it listens, as `http://localhost:8787`
 * @property {number} port
 * @property {() => Promise<void>} stop ends it, and what is live with it. Resolves when it is gone
 * @property {Promise<string>} ended resolves with the reason when it is gone, whatever ended it
 */

/** How long it may take to say where it listens: a store that was not closed is looked through first. */
const START_MS = 60_000
/** As many lines as may hold the reason why it ended. */
const LINES = 20
/** How the recorder begins the line that says why it does not start. */
const SAID = /^(durablefetch|error): /

/**
 * Starts a recorder and waits until it listens. It ends with this process, also where that is killed.
 * @param {object} options
 * @param {string[]} options.flags of `durablefetch serve`
 * @param {(line: string) => void} [options.onLine] gets each line that it logs
 * @returns {Promise<Running>}
 */
async function run({ flags, onLine }) {
  /** @type {(why: string) => void} */
  let end = () => {}
  const ended = new Promise((resolve) => {
    end = resolve
  })
  const child = startProgram(['serve', '--drain', '0s', ...flags], {
    env: ownEnvironment(),
    output: 'pipe',
    onError: ({ message }) => end(message),
  })
  /** @type {string[]} */
  const lines = []
  createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stderr) }).on('line', (line) => {
    lines.push(line)
    if (lines.length > LINES) lines.shift()
    onLine?.(line)
  })
  // 'close' and not 'exit': by then the last line is read.
  child.once('close', (code, signal) => end(reason(lines, signal ?? code)))
  const listening = new Promise((resolve) => {
    createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) }).on('line', (line) => {
      const port = /listening on https?:\/\/\S*:(\d+)/.exec(line)?.[1]
      if (port) resolve(Number(port))
    })
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
  const failed = ended.then((why) => Promise.reject(new SetupError(why)))
  const port = await Promise.race([listening, failed]).finally(() => clearTimeout(timer))
  // It keeps no process alive that has nothing else to do: it ends with it.
  const handles = [child, .../** @type {any[]} */ (child.stdio)]
  for (const handle of handles) handle?.unref?.()
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    for (const handle of handles) handle?.ref?.()
    const gone = once(child, 'close')
    // To kill is to end at once on Windows, before anything is stored in order. Everywhere it ends when its stdin does.
    if (process.platform === 'win32') child.stdin?.end()
    else child.kill('SIGTERM')
    await gone
  }
  return { url: `http://localhost:${port}`, port, stop, ended }
}

/** The environment without the variables that stand for flags: what is configured for a server is not for this one. */
function ownEnvironment() {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('DURABLEFETCH_')))
}

/** @param {string[]} lines what it logged last @param {string | number | null} code */
function reason(lines, code) {
  const said = lines.findLast((line) => SAID.test(line)) ?? lines.at(-1)
  return said?.replace(SAID, '') ?? `the recorder ended (${code})`
}

/** Whether a line that a recorder logs is for the person at the terminal. @param {string} line */
const isForPeople = (line) => /\b(WARN|ERROR)\b/.test(line)

module.exports = { run, isForPeople }
