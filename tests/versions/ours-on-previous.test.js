// Our client with a recorder of 0.2: all that 0.2 can do works as it does there, and what is new is said to be missing.
import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { Gate } from '../lib/gate.js'
import { listen } from '../lib/listen.js'
import { startKillableRecorder } from '../lib/killable-recorder.js'
import { QUESTION } from '../seed-compat/lib/scenarios.js'
import { startUpstream } from '../seed-compat/lib/upstream.js'
import { driverOf } from '../seed-compat/page/driver.js'
import { ANSWER, HALF } from '../users/lib/answer.js'
import { named } from './lib/named.js'
import { installOurs } from './lib/packages.js'
import { BOTH, OTHER, runWith } from './lib/scenarios.js'

const SCENARIOS = {
  ...BOTH,
  async 'one that asks differently joins what streams, as 0.2 has it'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await client.begin('two', url, OTHER)
    gate.open()
    for (const id of ['one', 'two']) assert.deepEqual(await client.finish(id), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
}

/** What 0.2 knows: anything else may be refused, or need a preflight that it does not answer. */
const HEADERS = ['url', 'mode', 'request', 'recording', 'offset', 'token'].map((name) => `durablefetch-${name}`)
const MODES = [undefined, 'join', 'restart', 'resume', 'replay']

/** Passes requests on, and remembers them. */
async function startListener(t, target) {
  const seen = []
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    seen.push({ url, headers, body })
    const passed = httpRequest({ host: '127.0.0.1', port: target, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    passed.end(body)
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { url: `http://localhost:${port}`, seen }
}

test("our client with 0.2's recorder", async (t) => {
  const installed = await installOurs(t)
  const recorder = { binary: named('PREVIOUS_BIN') }
  await runWith(t, { installed, scenarios: SCENARIOS, recorder })

  const { DurableFetchClient } = await installed.load()
  const world = async (t) => {
    const running = await startKillableRecorder(recorder)
    t.after(() => running.stop())
    const gate = new Gate()
    const upstream = await startUpstream({ gate })
    t.after(() => upstream.stop())
    return { running, gate, upstream }
  }

  await t.test('node: nothing is sent that 0.2 does not know', async (t) => {
    const { running, gate, upstream } = await world(t)
    const listener = await startListener(t, running.port)
    const client = driverOf(new DurableFetchClient({ durablefetchHost: listener.url }))
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await client.isInProgress(url)
    await client.begin('two', url)
    await client.stop(url)
    for (const id of ['one', 'two']) await client.finish(id)
    gate.open()
    // Read whole twice: what 0.3 says of pollers comes with the second.
    for (let round = 0; round < 2; round += 1) await client.read(upstream.address())
    await client.chatSend(url, 'chat', 'Hello')
    await client.chatResume(url, 'chat')
    await client.stopChat(url, 'chat')
    await client.delete(url)
    assert.ok(listener.seen.length >= 10, `${listener.seen.length} requests`)
    for (const { url, headers, body } of listener.seen) {
      const ours = Object.keys(headers).filter((name) => name.startsWith('durablefetch-'))
      assert.deepEqual(
        ours.filter((name) => !HEADERS.includes(name)),
        [],
        url,
      )
      assert.ok(MODES.includes(headers['durablefetch-mode']), headers['durablefetch-mode'])
      if (!/\/(in-progress|stop|delete)$/.test(url)) continue
      for (const name of Object.keys(JSON.parse(body))) assert.ok(['url', 'recording', 'request'].includes(name), name)
    }
  })

  for (const reuse of ['live', 'never']) {
    await t.test(`node: reuse: '${reuse}' is unsupported, and starts nothing`, async (t) => {
      const { running, upstream } = await world(t)
      const client = driverOf(new DurableFetchClient({ durablefetchHost: running.url, reuse }))
      assert.equal((await client.read(upstream.address(), QUESTION)).code, 'unsupported')
      assert.equal(upstream.requests.length, 0)
    })
  }
})
