// `durablefetch dev`: a command beside a recorder, from one start to one end.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { startRecorder } from '../lib/recorder.js'
import { LAUNCHER, folder, start, startNode, untilGone } from './lib/process.js'

/** Asks the recorder for its page and prints where it is and what it says. */
const ASK = `
const { DURABLEFETCH_URL } = process.env
const { status } = await fetch(DURABLEFETCH_URL)
console.log(DURABLEFETCH_URL, status, process.argv.slice(1).join(' '))
`
const js = (code, ...args) => [process.execPath, '--input-type=module', '--eval', code, '--', ...args]

async function dev(t, args, options = {}) {
  return startNode(t, [LAUNCHER, 'dev', ...args], { cwd: await folder(t), ...options })
}

test('the command finds the recorder, prints as it is, and its exit code is the exit code', async (t) => {
  const running = await dev(t, ['--', ...js(`${ASK}process.exit(7)`, '--flag', 'dev')])
  const { code, stdout } = await running.ended()
  assert.match(stdout, /^http:\/\/localhost:\d+ 200 --flag dev\n$/)
  assert.equal(code, 7)
  await untilGone(stdout.split(' ')[0])
})

test('flags before the command are the recorder’s', async (t) => {
  const { code, stderr } = await (await dev(t, ['--allow=nonsense', 'true'])).ended()
  assert.equal(code, 1)
  assert.match(stderr, /^durablefetch: .*nonsense/)
  const running = await dev(t, ['--listen', '127.0.0.1:0', '--', 'true'])
  assert.equal((await running.ended()).code, 0)
})

test('a recorder that cannot start is one line with the remedy, and the command is not run', async (t) => {
  const busy = createServer()
  const { port, stop } = await listen(busy)
  t.after(stop)
  for (const [flag, why] of [
    [`--listen=127.0.0.1:${port}`, /another program listens there: stop it, or choose another port with --listen/],
    [
      '--data=/sys/durablefetch',
      /the data directory \/sys\/durablefetch cannot be used: .+; name a writable one with --data/,
    ],
  ]) {
    const { code, stdout, stderr } = await (await dev(t, [flag, '--', ...js(ASK)])).ended()
    assert.deepEqual([code, stdout, stderr.trim().split('\n').length], [1, '', 1], stderr)
    assert.match(stderr, why)
  }
})

test('without a command it says how it is used', async (t) => {
  const { code, stdout } = await (await dev(t, [])).ended()
  assert.equal(code, 2)
  assert.match(stdout, /durablefetch dev -- npm run dev/)
  assert.equal((await (await dev(t, ['--help'])).ended()).code, 0)
})

test('a command that does not exist is named', async (t) => {
  const { code, stderr } = await (await dev(t, ['--', 'no-such-command'])).ended()
  assert.equal(code, 1)
  assert.match(stderr, /cannot start no-such-command: PATH has no command of that name/)
})

test('Ctrl-C is the command’s to answer, twice if need be', async (t) => {
  const command = `
    let told = 0
    process.on('SIGINT', () => { console.log('told', ++told); if (told === 2) process.exit(5) })
    setInterval(() => {}, 1000)
    console.log('ready', process.env.DURABLEFETCH_URL)
  `
  const running = await dev(t, ['--', ...js(command)], { detached: true })
  const [, url] = await running.until(/ready (\S+)/)
  process.kill(-running.child.pid, 'SIGINT')
  await running.until(/told 1/)
  assert.equal((await fetch(url)).status, 200, 'the recorder is there as long as the command')
  process.kill(-running.child.pid, 'SIGINT')
  assert.equal((await running.ended()).code, 5)
  await untilGone(url)
})

test('SIGTERM ends both', async (t) => {
  const command = `setInterval(() => {}, 1000); console.log('ready', process.env.DURABLEFETCH_URL)`
  const running = await dev(t, ['--', ...js(command)])
  const [, url] = await running.until(/ready (\S+)/)
  running.child.kill('SIGTERM')
  assert.equal((await running.ended()).code, 128 + 15)
  await untilGone(url)
})

test('a recorder that ends takes the command with it', async (t) => {
  const command = `setInterval(() => {}, 1000); console.log('ready', process.ppid)`
  const running = await dev(t, ['--', ...js(command)])
  const [, pid] = await running.until(/ready (\d+)/)
  const { stdout } = await start(t, 'pgrep', ['--parent', pid, 'durablefetch']).ended()
  process.kill(Number(stdout.trim()), 'SIGKILL')
  const { code, stderr } = await running.ended()
  assert.equal(code, 128 + 15)
  assert.match(stderr, /the recorder ended, and so does the command/)
})

test('a port that is taken is said, and by what', async (t) => {
  const other = createServer((_, response) => response.end('somebody else'))
  other.listen(8787, '127.0.0.1')
  await new Promise((done) => other.once('listening', done))
  const ask = () => dev(t, ['--', ...js(ASK)]).then((running) => running.ended())
  const beside = await ask()
  assert.match(beside.stderr, /another program listens on port 8787, so the recorder takes a free one/)
  assert.doesNotMatch(beside.stdout, /:8787 /)
  await new Promise((done) => other.close(done))
  const recorder = await startRecorder({ flags: ['--listen', '127.0.0.1:8787'] })
  t.after(() => recorder.stop())
  assert.match((await ask()).stderr, /another recorder listens on port 8787/)
})
