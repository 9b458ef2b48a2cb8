#!/usr/bin/env node
// @ts-check
// The command `durablefetch`: the recorder's own, and `dev`.
import { passOn } from '../lib/pass-on.js'

const [command, ...rest] = process.argv.slice(2)

try {
  // Loaded for itself: nothing else waits for it to be read.
  if (command === 'dev') await (await import('../lib/dev.js')).dev(rest)
  else passOn(command === undefined ? ['serve'] : process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Error) || error.name !== 'SetupError') throw error
  console.error(`durablefetch: ${error.message}`)
  process.exitCode = 1
}
