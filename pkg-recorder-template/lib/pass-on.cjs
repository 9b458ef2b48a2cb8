// @ts-check
// The recorder in the launcher's place: its output, its signals, its exit code.
const { startProgram } = require('./program.cjs')

/** @param {string[]} args */
function passOn(args) {
  // Signals are passed on once each: the recorder would take two for impatience.
  const child = startProgram(args, {
    env: process.env,
    output: 'inherit',
    onError: ({ message }) => {
      console.error(`durablefetch: ${message}`)
      process.exit(1)
    },
  })
  // A terminal that closes says SIGHUP. To the recorder that means: read the certificate again. Asked now: once
  // it has closed, stderr does not count as a terminal.
  const { isTTY } = process.stderr
  const passed = (/** @type {NodeJS.Signals} */ signal) => (signal === 'SIGHUP' && isTTY ? 'SIGTERM' : signal)
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK']
  // A console of Windows tells the recorder of Ctrl-C by itself, and to kill it there is to end it at once.
  const pass =
    process.platform === 'win32' ? () => {} : (/** @type {NodeJS.Signals} */ signal) => child.kill(passed(signal))
  for (const signal of signals) process.on(signal, pass)
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

module.exports = { passOn }
