// @ts-check
// The recorder's program as a child process that ends when its stdin does, however this one ends.
const { spawn } = require('node:child_process')
const { SetupError, binary } = require('./binary.cjs')

/**
 * Starts it. `output`: where its stdout and stderr go. `onError` gets the reason, for a person, where it cannot be started.
 * @param {string[]} args
 * @param {{ env: NodeJS.ProcessEnv, output: 'inherit' | 'pipe', onError: (error: SetupError) => void }} options
 */
function startProgram(args, { env, output, onError }) {
  const path = binary()
  const child = spawn(path, args, {
    stdio: ['pipe', output, output],
    // A group of its own: the terminal's Ctrl-C reaches the program that started it, which ends it in its own time.
    detached: process.platform !== 'win32',
    env: { ...env, DURABLEFETCH_UNTIL_STDIN_CLOSES: 'true' },
    windowsHide: true,
  })
  child.once('error', (error) => onError(cannotRun(path, error)))
  return child
}

/** @param {string} path @param {Error} error */
function cannotRun(path, error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error)
  const remedy =
    code === 'EACCES'
      ? `it may not be run: chmod +x ${path}`
      : `${error.message}: install the package again, for this system`
  return new SetupError(`cannot start ${path}: ${remedy}`)
}

module.exports = { startProgram }
