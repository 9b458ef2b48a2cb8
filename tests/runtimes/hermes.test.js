// React Native's engine and its bundler, without React Native: the client of durablefetch/js, whose transport is a script.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { checkError } from './lib/check.js'

const PLATFORMS = { darwin: 'osx-bin/hermes', linux: 'linux64-bin/hermes', win32: 'win64-bin/hermes.exe' }
const ANSWER = 'https://api.example/answer?id=1'
const CUT_AT = 613

/** What a program prints under Hermes, bundled by Metro as for an app. */
async function printed(entry) {
  const { dir, bin, version } = await project('hermes')
  const bundle = join(dir, `${entry}.bundle.js`)
  const options = ['--platform', 'ios', '--dev', 'false', '--minify', 'false', '--max-workers', '1', '--reset-cache']
  await run(bin('metro'), ['build', `${entry}.js`, '--out', bundle, ...options], { cwd: dir })
  const hermes = join(dir, 'node_modules/hermes-engine-cli', PLATFORMS[process.platform])
  const { stdout } = await run(hermes, ['-w', bundle], { cwd: dir, timeout: 60_000 })
  const versions = `Hermes ${await version('hermes-engine-cli')}, Metro ${await version('metro')}`
  return { report: JSON.parse(stdout.trim().split('\n').at(-1)), versions }
}

executes('Hermes: durablefetch/js is cut and goes on at its byte', async () => {
  const { report, versions } = await printed('main')
  assert.equal(report.error, undefined)
  assert.deepEqual(report.platform, { wasm: 'undefined', hermes: 'object' })
  assert.deepEqual(report.response, { isResponse: true, status: 200, url: ANSWER })
  assert.equal(report.body, true, 'every byte, once')
  assert.deepEqual(report.reconnects, [
    ['waiting', CUT_AT],
    ['connected', CUT_AT],
  ])

  const [start, continuation, ...more] = report.asked
  assert.deepEqual(more, [])
  assert.deepEqual([start.method, start.body], ['POST', '{"prompt":"grüße"}'])
  assert.match(start.headers['durablefetch-request'], /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  assert.equal(start.headers['durablefetch-url'], ANSWER)
  assert.deepEqual([continuation.method, continuation.address], ['POST', 'https://recorder.example/continue'])
  assert.equal(continuation.headers['durablefetch-offset'], String(CUT_AT))
  assert.equal(continuation.headers['durablefetch-recording'], '01ARZ3NDEKTSV4RRFFQ69G5FAV')

  assert.deepEqual([report.buffer, report.copy, report.json], [true, true, { said: 'grüße' }])
  assert.deepEqual(report.used, [true, false])
  assert.equal(report.twice, 'TypeError', 'a body is read once')
  assert.deepEqual(report.failed, { name: 'DurableFetchError', code: 'failed', ours: true })
  assert.deepEqual(report.aborted, { name: 'AbortError', ours: false })
  assert.equal(report.left, 0, 'the script was played to its end')
  return versions
})

executes('Hermes: what is missing is named, and what brings it along', async () => {
  const { report, versions } = await printed('nothing')
  checkError(report, JSON.stringify(report))
  assert.equal(report.code, 'unsupported')
  for (const [name, from] of [
    ['TextDecoder', 'fast-text-encoding'],
    ['ReadableStream', 'web-streams-polyfill/polyfill'],
    ['URL', 'react-native-url-polyfill/auto'],
    ['crypto.getRandomValues', 'react-native-get-random-values'],
  ]) {
    assert.ok(report.message.includes(`${name} (import '${from}')`), report.message)
  }
  assert.match(report.message, /\bRequest, Response\b/)
  assert.doesNotMatch(report.message, /network|fetch(?!\/)/i, 'nobody takes it for a lost connection')
  return versions
})
