// @ts-check
// The recorder in the launcher's place: its output, its signals, its exit code.
import { spawn } from 'node:child_process'
import { SetupError, binary } from './binary.js'

/** @param {string[]} args */
export function passOn(args) {
  const path = binary()
  // A group of its own: the terminal's Ctrl-C reaches the launcher alone, which passes it on once. The recorder would
  // take two for impatience. It ends when its stdin does, however the launcher ends.
  const child = spawn(path, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    detached: process.platform !== 'win32',
    env: { ...process.env, DURABLEFETCH_UNTIL_STDIN_CLOSES: 'true' },
    windowsHide: true,
  })
  child.on('error', (error) => {
    console.error(`durablefetch: ${cannotRun(path, error).message}`)
    process.exit(1)
  })
  // A terminal that closes says SIGHUP. To the recorder that means: read the certificate again. Asked now: once it is
  // closed it is no terminal any more.
  const { isTTY } = process.stderr
  const passed = (/** @type {NodeJS.Signals} */ signal) => (signal === 'SIGHUP' && isTTY ? 'SIGTERM' : signal)
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of signals) process.on(signal, () => child.kill(passed(signal)))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

/** @param {string} path @param {Error} error */
export function cannotRun(path, error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error)
  const remedy =
    code === 'EACCES'
      ? `it may not be run: chmod +x ${path}`
      : `${error.message}: install the package again, for this system`
  return new SetupError(`cannot start ${path}: ${remedy}`)
}
