// @ts-check
// The process that holds a project's recorder while dev servers come and go: `keeper.js SOCKET DATA`. It serves the
// recorder's address on the socket, and ends once nobody has been connected for a while and no answer is under way.
import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { isForPeople, run } from './recorder.cjs'
import { reach } from './shared.js'

/** A dev server that starts again takes seconds. */
const LINGER_MS = 10_000
/** A large one takes longer. An answer is kept for it so long at most: an upstream may never come to its end. */
const KEEP_MS = 300_000
/** A keeper that was too late to be found may still hold the folder for so long. */
const BUSY_MS = LINGER_MS + 5000

const [path = '', data = ''] = process.argv.slice(2)

/** @type {Set<import('node:net').Socket>} */
const attached = new Set()
/** @typedef {import('./recorder.cjs').Running} Running */
/**
 * Those that run, with their flags. The last one serves; one before it, whose place it has taken, stays until the answers
 * in it have ended.
 * @type {Map<Running, string[]>}
 */
const recorders = new Map()
/** What was wanted last: one is started after the other. @type {Promise<unknown>} */
let last = Promise.resolve()
/** @type {NodeJS.Timeout} */
let lingering
linger()

const server = createServer((socket) => {
  clearTimeout(lingering)
  attached.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => {
    attached.delete(socket)
    if (attached.size === 0) linger()
  })
  createInterface({ input: socket }).once('line', (line) => serve(socket, JSON.parse(line).flags))
})

// Another keeper that runs already serves the process that started this one.
if (await listens()) process.exit()
if (process.platform !== 'win32') chmodSync(path, 0o600)
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, leave)
process.on('SIGHUP', () => {})

/** Whether another keeper has the socket. A file that nobody listens on is left of one that was killed. */
async function listens() {
  for (const isLast of [false, true]) {
    server.listen(path)
    try {
      await once(server, 'listening')
      return false
    } catch {
      if (isLast || (await answers())) return true
      rmSync(path, { force: true })
    }
  }
  return true
}

async function answers() {
  const socket = await reach(path)
  socket?.destroy()
  return socket !== undefined
}

/** @param {import('node:net').Socket} socket @param {string[]} flags */
async function serve(socket, flags) {
  try {
    const { url } = await recorderWith(flags)
    tell(socket, { url })
  } catch (error) {
    tell(socket, { error: /** @type {Error} */ (error).message })
  }
}

/** The one that serves, if it runs with these flags. @param {string[]} flags @returns {Promise<Running>} */
function recorderWith(flags) {
  const wanted = last.catch(() => {}).then(() => start(flags))
  last = wanted
  return wanted
}

const serving = () => [...recorders].at(-1)

/** @param {string[]} flags @returns {Promise<Running>} */
async function start(flags) {
  const [old, before = []] = serving() ?? []
  if (old && JSON.stringify(before) === JSON.stringify(flags)) return old
  let own = old && inPlaceOf(old, before, flags)
  if (!own) await stop()
  const until = Date.now() + BUSY_MS
  for (;;) {
    try {
      const running = await run({ flags: [...(own ?? flags), '--data', data], onLine: log })
      recorders.set(running, flags)
      running.ended.then((why) => gone(running, why))
      return running
    } catch (error) {
      const isBusy = /in use|another process/i.test(/** @type {Error} */ (error).message)
      if (!isBusy || Date.now() > until) throw error
      // The old one keeps its place: it may be of another version.
      if (own) await stop()
      own = undefined
      await new Promise((again) => setTimeout(again, 200))
    }
  }
}

/**
 * The flags with which one takes the place of the one that serves: the address stays, and no answer is cut. `undefined` if it is
 * to listen elsewhere, or the system has no successors.
 * @param {Running} old @param {string[]} before its flags @param {string[]} flags
 */
function inPlaceOf(old, before, flags) {
  const at = flags.indexOf('--listen') + 1
  const address = flags[at]
  if (process.platform === 'win32' || !address || before[before.indexOf('--listen') + 1] !== address) return undefined
  return flags.with(at, address.replace(/\d+$/, String(old.port)))
}

/** Ends all that run. */
async function stop() {
  const all = [...recorders.keys()]
  recorders.clear()
  await Promise.all(all.map((running) => running.stop()))
}

/** @param {Running} running @param {string} why */
function gone(running, why) {
  // If another one runs, it serves at the same address.
  if (!recorders.delete(running) || recorders.size > 0) return
  for (const socket of attached) tell(socket, { gone: why })
}

/** What somebody has to know goes to the dev servers' terminals. @param {string} line */
function log(line) {
  if (isForPeople(line)) for (const socket of attached) tell(socket, { line })
}

/** @param {import('node:net').Socket} socket @param {import('./shared.js').Said} said */
function tell(socket, said) {
  if (socket.writable) socket.write(`${JSON.stringify(said)}\n`)
}

/** Ends it in a while, unless somebody connects. @param {number} [since] when the last one left */
function linger(since = Date.now()) {
  lingering = setTimeout(async () => {
    const isUnderWay = Date.now() - since < KEEP_MS && (await isRecording())
    if (attached.size > 0) return
    if (isUnderWay) linger(since)
    else leave()
  }, LINGER_MS)
}

/** Whether an answer is under way, as far as the recorder says. */
async function isRecording() {
  if (recorders.size > 1) return true
  try {
    const [running] = serving() ?? []
    const answer = await fetch(`http://127.0.0.1:${running?.port}/metrics`, { signal: AbortSignal.timeout(5000) })
    return /^durablefetch_recordings\{.*\} [1-9]/m.test(await answer.text())
  } catch {
    return false
  }
}

async function leave() {
  server.close()
  await last.catch(() => {})
  await stop()
  process.exit()
}
