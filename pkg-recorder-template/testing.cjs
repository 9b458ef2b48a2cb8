// @ts-check
// A recorder for one test, with a store that goes with it. CommonJS, which every runner of tests loads, Jest as it is too.
const { rmSync } = require('node:fs')
const { mkdtemp, rm } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { run } = require('./lib/recorder.cjs')

/** @param {{ flags?: string[] }} [options] */
async function startRecorder({ flags = [] } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'durablefetch-'))
  const atExit = () => rmSync(data, { recursive: true, force: true })
  process.once('exit', atExit)
  const remove = () => {
    process.off('exit', atExit)
    return rm(data, { recursive: true, force: true })
  }
  /** @type {string[]} */
  const lines = []
  try {
    const running = await run({
      flags: ['--listen', '127.0.0.1:0', ...flags, '--data', data],
      onLine: (line) => lines.push(line),
    })
    const stop = async () => {
      await running.stop()
      await remove()
    }
    return {
      url: running.url,
      port: running.port,
      output: () => lines.join('\n'),
      stop,
      [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]: stop,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

module.exports = { startRecorder }
