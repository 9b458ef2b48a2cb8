// The recorder of a project, which its dev servers share and find again.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { TEMPLATE, answers, environment, folder, startNode, untilGone } from './lib/process.js'

/** A dev server, as far as the recorder is concerned: it attaches, says where, and stays until it is killed. */
const SERVER = `
const { attach } = await import(${JSON.stringify(join(TEMPLATE, 'lib/shared.js'))})
const [data, ...flags] = process.argv.slice(1)
const url = await attach({ data, flags, onLine: (line) => console.log('line', line) })
console.log('at', url)
setInterval(() => {}, 1000)
`

async function server(t, data, ...flags) {
  const args = ['--input-type=module', '--eval', SERVER, '--', data, '--listen', '127.0.0.1:0', ...flags]
  const running = startNode(t, args, { env: environment() })
  const [, url] = await running.until(/at (\S+)/)
  return { ...running, url }
}

test('two share one; it outlives both for a while; a third finds it; in the end it is gone', async (t) => {
  const data = await folder(t)
  const [one, two] = await Promise.all([server(t, data), server(t, data)])
  assert.equal(one.url, two.url)
  one.child.kill('SIGKILL')
  two.child.kill('SIGKILL')
  await Promise.all([one.ended(), two.ended()])
  assert.equal(await answers(one.url), true)
  const three = await server(t, data)
  assert.equal(three.url, one.url)
  three.child.kill('SIGTERM')
  await untilGone(one.url)
})

test('an answer that is under way is recorded to its end, however long the next server takes', async (t) => {
  let ended
  const upstream = createServer((_, response) => {
    response.write('first')
    ended = once(response, 'close').then(() => response.writableFinished)
    // Longer than a recorder outlives its servers that has nothing to do.
    setTimeout(() => response.end('last'), 12_000)
  })
  const { port, stop } = await listen(upstream)
  t.after(stop)
  const data = await folder(t)
  const one = await server(t, data)
  const answer = await fetch(`${one.url}/http://127.0.0.1:${port}/`)
  await answer.body.getReader().read()
  one.child.kill('SIGKILL')
  assert.equal(await ended, true)
  const two = await server(t, data)
  assert.equal(await (await fetch(`${two.url}/http://127.0.0.1:${port}/`)).text(), 'firstlast')
  two.child.kill('SIGKILL')
  await untilGone(two.url)
})

const NO_SUCCESSORS = process.platform === 'win32' && 'a second recorder is an error on Windows'

test('with other flags another takes its place: an answer goes on, the address stays', {
  skip: NO_SUCCESSORS,
}, async (t) => {
  let goOn = () => {}
  const upstream = createServer((_, response) => {
    response.write('first')
    goOn = () => response.end('last')
  })
  const { port, stop } = await listen(upstream)
  t.after(stop)
  const data = await folder(t)
  const one = await server(t, data)
  const url = `${one.url}/http://127.0.0.1:${port}/`
  const reader = (await fetch(url)).body.pipeThrough(new TextDecoderStream()).getReader()
  assert.equal((await reader.read()).value, 'first')
  const two = await server(t, data, '--ttl', '1h')
  assert.equal(two.url, one.url)
  const again = await fetch(url)
  goOn()
  assert.equal((await reader.read()).value, 'last')
  assert.equal((await reader.read()).done, true)
  assert.equal(await again.text(), 'firstlast')
})

test('flags that are wrong leave the one that runs as it is', async (t) => {
  const data = await folder(t)
  const one = await server(t, data)
  const args = ['--input-type=module', '--eval', SERVER, '--', data, '--listen', '127.0.0.1:0', '--ttl', 'soon']
  const { code, stderr } = await startNode(t, args).ended()
  assert.equal(code, 1)
  assert.match(stderr, /SetupError: .*soon/)
  assert.equal((await server(t, data)).url, one.url)
})

test('one that is to listen elsewhere is started after the end of the other', async (t) => {
  const data = await folder(t)
  const one = await server(t, data)
  const args = ['--input-type=module', '--eval', SERVER, '--', data, '--listen', '[::1]:0']
  await startNode(t, args, { env: environment() }).until(/at (\S+)/)
  await untilGone(one.url.replace('localhost', '127.0.0.1'))
})

test('a folder that cannot be made is one sentence with the remedy', async (t) => {
  const args = ['--input-type=module', '--eval', SERVER, '--', '/sys/durablefetch']
  const { code, stderr } = await startNode(t, args).ended()
  assert.equal(code, 1)
  assert.match(
    stderr,
    /SetupError: the data directory \/sys\/durablefetch cannot be made: .*; name a writable one in the option data\n/,
  )
})

test('a recorder that ends is said, and started again by the next', async (t) => {
  const data = await folder(t)
  const one = await server(t, data)
  const pids = await startNode(t, [
    '-e',
    `console.log(require('child_process').execSync('pgrep -f "serve.*${data}"') + '')`,
  ]).ended()
  for (const pid of pids.stdout.trim().split('\n').map(Number)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // The shell that looked for it is gone.
    }
  }
  await one.until(/line the recorder ended/)
  const two = await server(t, data)
  assert.equal(await answers(two.url), true)
})
