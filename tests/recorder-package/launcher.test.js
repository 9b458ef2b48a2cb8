// The command: what the recorder prints, is told and ends with is the launcher's.
import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { LAUNCHER, copyOfPackage, environment, folder, launch, start, startNode, untilGone } from './lib/process.js'

/** Not even root makes a folder here. */
const UNWRITABLE = '/sys/durablefetch'
const LISTENING = /listening on (http:\/\/\S+)/

async function serving(t, options) {
  const data = await folder(t)
  const running = startNode(t, [LAUNCHER, 'serve', '--listen', '127.0.0.1:0', '--data', data], options)
  const [, url] = await running.until(LISTENING)
  return { ...running, url, data }
}

test('output and exit codes are the recorder’s', async (t) => {
  const version = await launch(t, ['--version'])
  assert.match(version.stdout, /^durablefetch \d+\.\d+\.\d+\n$/)
  assert.equal(version.code, 0)
  const wrong = await launch(t, ['serve', '--nope'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /--nope/)
})

test('without a word it serves', async (t) => {
  const help = await launch(t, ['--help'])
  assert.match(help.stdout, /`durablefetch` alone is `durablefetch serve`/)
  const data = await folder(t)
  const env = environment({ DURABLEFETCH_LISTEN: '127.0.0.1:0', DURABLEFETCH_DATA: data })
  await startNode(t, [LAUNCHER], { env }).until(LISTENING)
})

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} reaches the recorder once`, async (t) => {
    const running = await serving(t)
    running.child.kill(signal)
    const { code, stderr } = await running.ended()
    assert.equal(code, 0)
    assert.equal(stderr.match(/shutting down/g)?.length, 1, stderr)
    await untilGone(running.url)
  })
}

test('the terminal’s Ctrl-C reaches the recorder once', async (t) => {
  const running = await serving(t, { detached: true })
  // A terminal tells all of the group.
  process.kill(-running.child.pid, 'SIGINT')
  const { code, stderr } = await running.ended()
  assert.equal(code, 0)
  assert.equal(stderr.match(/shutting down/g)?.length, 1, stderr)
})

test('SIGHUP reads the settings again, as without a launcher', async (t) => {
  const running = await serving(t)
  running.child.kill('SIGHUP')
  await running.until(/SIGHUP: secrets and certificate were read again/, 'stderr')
})

test('a terminal that closes ends the recorder', async (t) => {
  const data = await folder(t)
  const command = `${process.execPath} ${LAUNCHER} serve --listen 127.0.0.1:0 --data ${data}`
  const terminal = start(t, 'script', ['--quiet', '--command', command, '/dev/null'])
  const [, url] = await terminal.until(LISTENING)
  terminal.child.kill('SIGKILL')
  await untilGone(url.trim())
})

test('a launcher that is killed takes the recorder with it', async (t) => {
  const running = await serving(t)
  running.child.kill('SIGKILL')
  await running.ended()
  await untilGone(running.url)
})

test('a recorder that is killed takes the launcher with it, by the same signal', async (t) => {
  const dir = await folder(t)
  const program = join(dir, 'recorder')
  await writeFile(program, '#!/bin/sh\nkill -KILL $$\n', { mode: 0o755 })
  const { signal } = await launch(t, ['serve'], { env: environment({ DURABLEFETCH_BINARY: program }) })
  assert.equal(signal, 'SIGKILL')
})

test('what cannot start is one line with the remedy', async (t) => {
  const line = async (args, env) => {
    const { code, stderr } = await launch(t, args, { env })
    assert.equal(code, 1, stderr)
    const lines = stderr.trim().split('\n')
    assert.equal(lines.length, 1, stderr)
    return lines[0]
  }
  const data = await folder(t)
  const busy = createServer()
  const { port, stop } = await listen(busy)
  t.after(stop)
  assert.match(
    await line(['serve', '--listen', `127.0.0.1:${port}`, '--data', data]),
    /another program listens there: stop it, or choose another port with --listen/,
  )
  const file = join(data, 'file')
  await writeFile(file, '')
  assert.match(await line(['serve', '--listen', '127.0.0.1:0', '--data', file]), /file.*(directory|--data)/i)
  assert.match(
    await line(['serve', '--listen', '127.0.0.1:0', '--data', UNWRITABLE]),
    /^durablefetch: the data directory \/sys\/durablefetch cannot be used: .+; name a writable one with --data$/,
  )
  assert.match(
    await line([], environment({ DURABLEFETCH_BINARY: '/nowhere' })),
    /\/nowhere, which does not exist: name/,
  )
  await chmod(file, 0o600)
  assert.match(await line([], environment({ DURABLEFETCH_BINARY: file })), /which may not be run: name/)
})

test('a missing or wrong platform package is named with its remedy', async (t) => {
  const dir = await copyOfPackage(t)
  const env = environment({ DURABLEFETCH_BINARY: '' })
  const run = (preload = '') => {
    const args = preload ? ['--import', `data:text/javascript,${encodeURIComponent(preload)}`] : []
    return startNode(t, [...args, join(dir, 'bin/durablefetch.cjs')], { env }).ended()
  }
  const missing = await run()
  assert.equal(missing.code, 1)
  assert.match(
    missing.stderr,
    /^durablefetch: the package durablefetch-recorder-\w+-\w+ is missing.*--omit=optional.*\n$/,
  )
  const unknown = await run(`Object.defineProperty(process, 'platform', { value: 'sunos' })`)
  assert.match(unknown.stderr, /this package has no recorder for sunos-\w+, only for linux-x64.*DURABLEFETCH_BINARY\n$/)
  await mkdir(join(dir, 'platform/darwin-arm64'), { recursive: true })
  const wrong = await run()
  assert.match(
    wrong.stderr,
    /this is the recorder for darwin-arm64.*install the tarball whose name ends in linux-\w+\.tgz\n$/,
  )
})

test('a program that is not there is named with its remedy', async (t) => {
  const dir = await copyOfPackage(t)
  const inside = join(dir, 'platform', `${process.platform}-${process.arch}`)
  await mkdir(inside, { recursive: true })
  const env = environment({ DURABLEFETCH_BINARY: '' })
  const { code, stderr } = await startNode(t, [join(dir, 'bin/durablefetch.cjs')], { env }).ended()
  assert.equal(code, 1)
  assert.match(stderr, /^durablefetch: cannot start \S+: .*install the package again, for this system\n$/)
})

test('the program of a tarball may be run, also where the installer has not said so', async (t) => {
  const dir = await copyOfPackage(t)
  const inside = join(dir, 'platform', `${process.platform}-${process.arch}`)
  await mkdir(inside, { recursive: true })
  await writeFile(join(inside, 'durablefetch'), '#!/bin/sh\necho "it runs: $*"\n', { mode: 0o644 })
  const env = environment({ DURABLEFETCH_BINARY: '' })
  const { stdout } = await startNode(t, [join(dir, 'bin/durablefetch.cjs'), 'check', 'x'], { env }).ended()
  assert.equal(stdout, 'it runs: check x\n')
})
