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
/** @type {{ flags: string, starting: ReturnType<typeof start> } | undefined} */
let recorder
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

/** The one that runs, if it runs with these flags. @param {string[]} flags */
async function recorderWith(flags) {
  const wanted = JSON.stringify(flags)
  if (recorder?.flags !== wanted) {
    const before = recorder?.starting
    recorder = { flags: wanted, starting: start(flags, before) }
  }
  return recorder.starting
}

/** @param {string[]} flags @param {Promise<import('./recorder.cjs').Running>} [before] @returns {Promise<import('./recorder.cjs').Running>} */
async function start(flags, before) {
  await (await before?.catch(() => undefined))?.stop()
  const until = Date.now() + BUSY_MS
  for (;;) {
    try {
      const running = await run({ flags: [...flags, '--data', data], onLine: log })
      running.ended.then((why) => gone(running, why))
      return running
    } catch (error) {
      const isBusy = /in use|another process/i.test(/** @type {Error} */ (error).message)
      if (!isBusy || Date.now() > until) {
        recorder = undefined
        throw error
      }
      await new Promise((again) => setTimeout(again, 200))
    }
  }
}

/** @param {import('./recorder.cjs').Running} running @param {string} why */
async function gone(running, why) {
  if ((await recorder?.starting.catch(() => undefined)) !== running) return
  recorder = undefined
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
  try {
    const running = await recorder?.starting
    const answer = await fetch(`http://127.0.0.1:${running?.port}/metrics`, { signal: AbortSignal.timeout(5000) })
    return /^durablefetch_recordings\{.*\} [1-9]/m.test(await answer.text())
  } catch {
    return false
  }
}

async function leave() {
  server.close()
  await (await recorder?.starting.catch(() => undefined))?.stop()
  process.exit()
}
