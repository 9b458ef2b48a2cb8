// @ts-check
// One recorder for all processes of a project's dev server, which outlives each of them by a few seconds: a server that
// starts again finds it as it was. A keeper, a process of its own, holds it, and ends when nobody is connected any more.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SetupError } from './binary.cjs'

/**
 * @typedef {{ url: string } | { error: string } | { line: string } | { gone: string }} Said one line of the keeper's
 */

const KEEPER = fileURLToPath(new URL('./keeper.js', import.meta.url))
/** Two that start at once may miss each other's keeper for a moment. */
const TRIES = 20
const PAUSE_MS = 100

/** Where the recordings of a project in development are kept. @param {string} root the project's folder */
export function dataOf(root) {
  const modules = join(root, 'node_modules')
  if (existsSync(modules)) return join(modules, '.cache', 'durablefetch')
  // Yarn's Plug'n'Play has no such folder.
  return join(tmpdir(), `durablefetch-${user()}`, digest(resolve(root)))
}

/**
 * Connects to the recorder of this project, and starts it if none runs. With other flags than it runs with it is
 * started anew.
 * @param {object} options
 * @param {string} options.data the folder of the recordings
 * @param {string[]} options.flags of `durablefetch serve`
 * @param {(line: string) => void} options.onLine gets the warnings that it logs
 * @param {() => void} [options.onGone] called once it has ended by itself: to attach again starts another
 * @returns {Promise<string>} where it listens
 */
export async function attach({ data, flags, onLine, onGone }) {
  make(data)
  const path = socketOf(data)
  for (let tries = 0; ; tries++) {
    const socket = await reach(path)
    if (socket) return await hello(socket, flags, onLine, onGone)
    if (tries === TRIES) throw new SetupError(`the recorder's keeper did not start: ${KEEPER}`)
    if (tries % 10 === 0) startKeeper(path, data)
    await new Promise((again) => setTimeout(again, PAUSE_MS))
  }
}

/** @param {string} data */
function make(data) {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    throw new SetupError(
      `the data directory ${data} cannot be made: ${message}; name a writable one in the option data`,
    )
  }
}

/**
 * What a dev server's processes meet at. Short: a socket's path may have 104 bytes.
 * @param {string} data
 */
function socketOf(data) {
  const name = `durablefetch-${user()}-${digest(resolve(data))}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`)
}

/** @param {string} path @param {string} data */
function startKeeper(path, data) {
  const child = spawn(process.execPath, [KEEPER, path, data], { detached: true, stdio: 'ignore', windowsHide: true })
  child.unref()
}

/** A connection to the keeper, if there is one. @param {string} path @returns {Promise<import('node:net').Socket | undefined>} */
export async function reach(path) {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return undefined
  }
}

/**
 * @param {import('node:net').Socket} socket
 * @param {string[]} flags
 * @param {(line: string) => void} onLine
 * @param {() => void} [onGone]
 * @returns {Promise<string>} the recorder's address
 */
async function hello(socket, flags, onLine, onGone) {
  socket.write(`${JSON.stringify({ flags })}\n`)
  const url = await new Promise((done, failed) => {
    socket.on('error', failed)
    socket.on('close', () => failed(new SetupError('the keeper of the recorder ended; start again')))
    createInterface({ input: socket }).on('line', (line) => {
      const said = /** @type {Said} */ (JSON.parse(line))
      if ('url' in said) done(said.url)
      else if ('error' in said) failed(new SetupError(said.error))
      else if ('line' in said) onLine(said.line)
      else {
        onLine(`the recorder ended: ${said.gone}`)
        onGone?.()
        socket.destroy()
      }
    })
  })
  // This connection alone does not keep the process running.
  socket.unref()
  return url
}

/** @param {string} text */
const digest = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** Whose it is: folders of temporary files are often everybody's. */
const user = () => String(process.getuid?.() ?? userInfo().username.replace(/\W/g, '_'))
