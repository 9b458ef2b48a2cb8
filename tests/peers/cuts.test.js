// What docs/peers.md says about cuts, of peers in the versions that package.json names.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fetchServerSentEvents } from '@tanstack/ai-client'
import { freePort } from '../lib/listen.js'

const APP = fileURLToPath(new URL('./app.js', import.meta.url))
/** How long a reader is given to hear of a cut: the watchdog has looked ten times. */
const PATIENCE_MS = 12_000

const upstream = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.write('half')
  latest = response
})
let latest, redis, redisUrl

before(async () => {
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const port = await freePort()
  redisUrl = `redis://127.0.0.1:${port}`
  redis = spawn(process.env.REDIS ?? 'redis-server', ['--port', `${port}`, '--save', ''])
  for await (const line of redis.stdout) if (`${line}`.includes('Ready to accept connections')) break
})

after(() => {
  redis.kill()
  upstream.close()
  upstream.closeAllConnections()
})

test('resumable-stream: where the upstream is cut, readers hear neither of a cut nor of an end', async (t) => {
  const [one, other] = await Promise.all([startApp(t, 'resumable-stream'), startApp(t, 'resumable-stream')])
  const first = await reader(`${one.url}/cut`, { method: 'POST' })
  const resumed = await reader(`${other.url}/cut`)
  latest.destroy()
  await Promise.all([first, resumed].map((reader) => assertSilent(reader)))
})

test('resumable-stream: where the process that asks is killed, a reader at another hears neither', async (t) => {
  const [one, other] = await Promise.all([startApp(t, 'resumable-stream'), startApp(t, 'resumable-stream')])
  const first = await reader(`${one.url}/kill`, { method: 'POST' })
  const resumed = await reader(`${other.url}/kill`)
  one.process.kill('SIGKILL')
  assert.equal(await first.end, 'cut')
  await assertSilent(resumed)
})

test('TanStack AI: where the upstream is cut, the reader hears of it', async (t) => {
  const app = await startApp(t, 'tanstack-ai')
  const { events, end } = chat(app, 'cut')
  await events.until('TEXT_MESSAGE_CONTENT')
  latest.destroy()
  await events.until('RUN_ERROR')
  assert.equal(await end, 'ended')
  assert.ok(!events.all.includes('RUN_FINISHED'))
})

test('TanStack AI: where the process is killed, its client gives up with an error', async (t) => {
  const app = await startApp(t, 'tanstack-ai')
  const { events, end } = chat(app, 'kill')
  await events.until('TEXT_MESSAGE_CONTENT')
  app.process.kill('SIGKILL')
  assert.equal(await end, 'StreamReconnectLimitError')
})

/** A process of its own. */
async function startApp(t, peer) {
  const port = await freePort()
  const env = { ...process.env, UPSTREAM: `http://127.0.0.1:${upstream.address().port}/`, REDIS: redisUrl }
  const app = spawn(process.execPath, [APP, peer, `${port}`], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => app.kill('SIGKILL'))
  await once(app.stdout, 'data')
  return { url: `http://127.0.0.1:${port}`, process: app }
}

/** Resolves once half of the answer is there. `end`: 'clean' or 'cut'. */
async function reader(url, init) {
  const response = await fetch(url, init)
  const body = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('half')) text += (await body.read()).value
  const rest = async () => {
    for (;;) if ((await body.read()).done) return 'clean'
  }
  return { end: rest().catch(() => 'cut') }
}

/** Waits as long as a person would, since no event tells of silence. */
async function assertSilent({ end }) {
  let timer
  const silence = new Promise((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, 'silence')
  })
  assert.equal(await Promise.race([end, silence]), 'silence')
  clearTimeout(timer)
}

/** As its `useChat` reads: the types of its events, and how it ends. */
function chat(app, runId) {
  const connection = fetchServerSentEvents(`${app.url}/api`)
  const all = []
  const waiting = []
  const read = async () => {
    const question = [{ role: 'user', content: 'Why?' }]
    for await (const { type } of connection.connect(question, {}, undefined, { threadId: 'thread', runId })) {
      all.push(type)
      for (const { resolve, type } of waiting) if (all.includes(type)) resolve()
    }
    return 'ended'
  }
  const until = (type) => (all.includes(type) ? undefined : new Promise((resolve) => waiting.push({ resolve, type })))
  return { events: { all, until }, end: read().catch(({ name }) => name) }
}
