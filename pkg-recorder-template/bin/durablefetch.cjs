#!/usr/bin/env node
// @ts-check
// The command `durablefetch`: the recorder's own, and `dev`. CommonJS, since Node is quicker to start it.
const { passOn } = require('../lib/pass-on.cjs')

const [command, ...rest] = process.argv.slice(2)

/** @param {unknown} error */
function fail(error) {
  if (!(error instanceof Error) || error.name !== 'SetupError') throw error
  console.error(`durablefetch: ${error.message}`)
  process.exitCode = 1
}

try {
  // Loaded for itself: nothing else waits for it to be read.
  if (command === 'dev') import('../lib/dev.js').then(({ dev }) => dev(rest)).catch(fail)
  else passOn(command === undefined ? ['serve'] : process.argv.slice(2))
} catch (error) {
  fail(error)
}
