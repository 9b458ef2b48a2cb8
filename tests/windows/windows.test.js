// The recorder's program for Windows: it records, ends by Ctrl-C in order, and says what it does not have there.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { endsInOrder, isGivenAgain, read } from '../lib/foreign-recorder.js'
import { openWindows } from './lib/windows.js'

let windows
before(async () => {
  windows = await openWindows()
})
after(async () => {
  await windows?.close()
})

test('it tells its version, and its help', async () => {
  const { code, stdout } = await windows.run('--version')
  assert.match(stdout, /^durablefetch \d+\.\d+\.\d+( \(\w+ [\d-]+\))?\r?\n$/)
  assert.equal(code, 0)
  const help = await windows.run('serve', '--help')
  assert.match(help.stdout, /--data <DIR>[^[]+\[default: %LOCALAPPDATA%\\durablefetch\]/)
})

test('an answer is recorded, and given again by the next process', async () => {
  const data = await windows.folder()
  const { next, address, bytes } = await isGivenAgain(windows, data, 'SIGINT')
  // An end without a shutdown: what was there is there.
  next.child.kill('SIGKILL')
  await next.ended()
  const last = await windows.serve(data)
  assert.equal((await (await windows.ask(last, address, 'replay')).text()).length, bytes.length)
})

test('Ctrl-C lets what is live come to its end, and a second one does not', async () => {
  await endsInOrder(windows, windows.folder, 'SIGINT')
})

test('the end of stdin ends it, where a program has started it', async () => {
  const recorder = await windows.serve(await windows.folder(), '--until-stdin-closes')
  recorder.child.stdin.end()
  const { code, stderr } = await recorder.ended()
  assert.match(stderr, /shutting down/)
  assert.equal(code, 0)
})

test('an upstream that breaks is a cut for the reader, after all that came', async () => {
  const recorder = await windows.serve(await windows.folder())
  const { address, request, reader } = await windows.begin(recorder, 'one ')
  await read(reader, 'one ')
  request.break()
  await assert.rejects(reader.read())
  const again = await windows.ask(recorder, address, 'replay')
  const cut = again.body.getReader()
  await read(cut, 'one ')
  await assert.rejects(cut.read())
})

test('what is removed is gone from the disk', async () => {
  const data = await windows.folder()
  const recorder = await windows.serve(data)
  const { address, request, reader } = await windows.begin(recorder, 'one')
  request.end()
  await read(reader, 'one')
  const body = JSON.stringify({ url: address })
  const deleted = await fetch(`${recorder.url}/delete`, { method: 'POST', body })
  assert.equal((await deleted.json()).success, true)
  const left = async () => {
    const entries = await readdir(join(data.path, 'bodies'), { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile())
  }
  // The writer's thread removes it; nothing outside of the process tells when it has.
  while ((await left()).length > 0) await new Promise(setImmediate)
})

test('a second recorder is told of the first, by its directory and by its address', async () => {
  const data = await windows.folder()
  const recorder = await windows.serve(data)
  const same = await windows.run('serve', '--listen', '127.0.0.1:0', '--data', data.windows)
  assert.match(same.stderr, /is in use by another recorder: stop that one/)
  const { host } = new URL(recorder.url)
  const other = await windows.run('serve', '--listen', host, '--data', (await windows.folder()).windows)
  assert.match(other.stderr, /another program listens there: stop it, or choose another port/)
})

for (const command of [['ls'], ['show', 'x'], ['du'], ['rm', 'x'], ['backup', 'copy']]) {
  test(`${command[0]} says that it is missing, and what to do`, async () => {
    const { code, stderr } = await windows.run(...command)
    assert.match(stderr, /^durablefetch: .+none on Windows: run the recorder on Linux.+--metrics-listen.+\r?\n$/)
    assert.equal(code, 1)
  })
}
