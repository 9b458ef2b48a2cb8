// `durablefetch-recorder/testing`: a recorder of one test, and nothing of it afterwards.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { TEMPLATE, environment, folder, startNode, untilGone } from './lib/process.js'

/** Runs code in a process of its own, whose temporary files are in a folder of its own. */
async function inProcess(t, code) {
  const tmp = await folder(t)
  const head = `const { startRecorder } = await import(${JSON.stringify(join(TEMPLATE, 'testing.cjs'))})\n`
  const env = environment({ TMPDIR: tmp })
  return { tmp, ...startNode(t, ['--input-type=module', '--eval', head + code], { env }) }
}

test('it starts, answers, stops, and leaves nothing', async (t) => {
  const running = await inProcess(
    t,
    `const recorder = await startRecorder()
     console.log(recorder.url, recorder.port, (await fetch(recorder.url)).status)
     await recorder.stop()`,
  )
  const { code, stdout, stderr } = await running.ended()
  assert.equal(code, 0, stderr)
  const [, url, port] = /^(http:\/\/localhost:(\d+)) \d+ 200\n$/.exec(stdout)
  assert.equal(stdout, `${url} ${port} 200\n`)
  await untilGone(url)
  assert.deepEqual(await readdir(running.tmp), [])
})

test('a test that forgets to stop it ends all the same, and so does the recorder', async (t) => {
  const running = await inProcess(t, `console.log((await startRecorder()).url)`)
  const { code, stdout } = await running.ended()
  assert.equal(code, 0)
  await untilGone(stdout.trim())
})

test('a test that is killed takes it with it', async (t) => {
  const running = await inProcess(t, `console.log((await startRecorder()).url); setInterval(() => {}, 1000)`)
  const [url] = await running.until(/http:\S+/)
  running.child.kill('SIGKILL')
  await untilGone(url)
})

test('what it cannot start with is a SetupError, with the recorder’s own words', async (t) => {
  const running = await inProcess(
    t,
    `await startRecorder({ flags: ['--ttl', 'soon'] }).catch(({ name, message }) => console.log(name, message))`,
  )
  const { stdout } = await running.ended()
  assert.match(stdout, /^SetupError .*soon.*--ttl/)
  assert.deepEqual(await readdir(running.tmp), [])
})
