// The recorder's program for another system, run by what imitates that: what it prints, what it records, how it ends.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { printed } from './printed.js'
import { startUpstream } from './scripted-upstream.js'

const LISTENING = /listening on (https?:\/\/\S+)/

/**
 * `command`: what imitates, and the program, as a list. `env`: in place of the variables of this process that set recorders up.
 * `patienceMs`: for one step of a program.
 */
export async function openForeignRecorder({ command: [imitator, ...before], env = {}, patienceMs }) {
  const upstream = await startUpstream()
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('DURABLEFETCH_'))
  const variables = { ...Object.fromEntries(own), ...env }
  const running = new Set()

  function start(...args) {
    const child = spawn(imitator, [...before, ...args], { env: variables, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(child)
    once(child, 'close').then(() => running.delete(child))
    return printed(child, args.join(' '), patienceMs)
  }

  const ask = (recorder, address, mode) =>
    fetch(`${recorder.url}/${address}`, { headers: mode ? { 'durablefetch-mode': mode } : {} })

  return {
    upstream,
    /** The variables that the program is started with. */
    variables,
    /** Starts the program. */
    start,
    /** Resolves when it has ended, with what it printed. */
    run: (...args) => start(...args).ended(),
    /** Resolves when a recorder listens; `data`: its directory, as its own system names it. */
    async serve(data, ...flags) {
      const recorder = start('serve', '--listen', '127.0.0.1:0', '--data', data, ...flags)
      const [, url] = await recorder.until(LISTENING)
      return { ...recorder, url }
    },
    ask,
    /** Asks for an address, whose answer has begun with these bytes. */
    async begin(recorder, bytes) {
      const address = upstream.address()
      const asked = ask(recorder, address)
      const request = await upstream.asked(address)
      request.head()
      await request.write(bytes)
      const answer = await asked
      assert.equal(answer.status, 200)
      return { address, request, reader: answer.body.getReader() }
    },
    /** Kills what still runs. */
    async close() {
      for (const child of running) child.kill('SIGKILL')
      await upstream.stop()
    },
  }
}

/** Reads until it has these bytes. */
export async function read(reader, bytes) {
  let text = ''
  while (text.length < bytes.length) {
    const { done, value } = await reader.read()
    assert.equal(done, false, `ended after ${text}`)
    text += Buffer.from(value)
  }
  assert.equal(text, bytes)
}

/**
 * What is recorded in a directory is followed by a second reader from its first byte on, and given again by the next process,
 * after `signal` has ended the first. Returns that process, the address and the bytes.
 */
export async function isGivenAgain(foreign, data, signal) {
  const recorder = await foreign.serve(data)
  const { address, request, reader } = await foreign.begin(recorder, 'one ')
  await read(reader, 'one ')
  const second = (await foreign.ask(recorder, address, 'resume')).body.getReader()
  await read(second, 'one ')
  const large = 'x'.repeat(1_000_000)
  await request.write(large)
  request.end('two')
  await read(reader, `${large}two`)
  assert.equal((await reader.read()).done, true)
  await read(second, `${large}two`)
  recorder.child.kill(signal)
  assert.equal((await recorder.ended()).code, 0)
  const next = await foreign.serve(data)
  const bytes = `one ${large}two`
  assert.equal(await (await foreign.ask(next, address, 'replay')).text(), bytes)
  assert.equal(foreign.upstream.count(address), 1)
  return { next, address, bytes }
}

/** One `signal` lets what is live come to its end, and a second one does not. `folder` makes a directory. */
export async function endsInOrder(foreign, folder, signal) {
  const recorder = await foreign.serve(await folder(), '--drain', '1h')
  const { request, reader } = await foreign.begin(recorder, 'one ')
  await read(reader, 'one ')
  recorder.child.kill(signal)
  await recorder.until(/shutting down/, 'stderr')
  request.end('two')
  await read(reader, 'two')
  assert.equal((await reader.read()).done, true)
  const { code, stderr } = await recorder.ended()
  assert.equal(code, 0, stderr)
  const other = await foreign.serve(await folder(), '--drain', '1h')
  const live = await foreign.begin(other, 'one ')
  await read(live.reader, 'one ')
  other.child.kill(signal)
  await other.until(/shutting down/, 'stderr')
  other.child.kill(signal)
  assert.equal((await other.ended()).code, 130)
  await assert.rejects(live.reader.read())
}
