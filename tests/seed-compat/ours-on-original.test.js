// Our client with a recorder of 0.1.0: nothing of what is new works there, and nothing may be harmed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCutProxy } from '../lib/cut-proxy.js'
import { within } from '../lib/deadline.js'
import { Gate } from '../lib/gate.js'
import { ANSWER, HALF } from '../users/lib/answer.js'
import { installOurs } from '../users/lib/ours.js'
import { startPages } from './lib/clients.js'
import { startOriginalWorker } from './lib/original-worker.js'
import { CHATS, COMMON, QUESTION, runEach } from './lib/scenarios.js'
import { startUpstream } from './lib/upstream.js'
import { driverOf } from './page/driver.js'

const SCENARIOS = {
  ...COMMON,
  ...CHATS,
  async 'status: while it streams, and after'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url)
    const during = await client.isInProgress(url)
    assert.deepEqual([during.inProgress, during.completed], [true, false])
    gate.open()
    await client.finish('one')
    const after = await client.isInProgress(url)
    assert.deepEqual([after.inProgress, after.completed], [false, true])
  },
  async 'a cut is an error, not an end, and the next fetch gets the whole; nothing is repeated'({
    client,
    upstream,
    gate,
    proxy,
  }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await gate.reached()
    const cut = proxy.cutAfter(7)
    gate.open()
    await within(20_000, 'the connections were cut', cut)
    const { text, failed } = await client.finish('one')
    assert.equal(failed, 'TypeError')
    assert.ok(ANSWER.startsWith(text) && text.length < ANSWER.length, `a beginning of the answer: ${text}`)
    assert.equal((await client.read(url, QUESTION)).text, ANSWER)
    assert.equal(upstream.requests.length, 1)
  },
  async 'an error of the upstream is not asked for again'({ client, upstream, where }) {
    const seen = await client.read(upstream.address('/problem'), QUESTION)
    // 0.1.0 passes errors on without a word to the browser that the page may see them.
    if (where === 'node') assert.deepEqual(seen, { status: 500, type: 'text/plain', text: 'a problem' })
    else assert.equal(seen.failed, 'TypeError')
    assert.equal(upstream.requests.length, 1, 'how often the upstream was asked')
  },
  async 'a chat: what streams is resumed'({ client, upstream, gate }) {
    const api = upstream.address()
    gate.holdAt(HALF)
    const sent = client.chatSend(api, 'chat', 'Hello')
    await gate.reached()
    await client.chatBeginResume('resumed', api, 'chat')
    gate.open()
    assert.deepEqual(await client.finish('resumed'), { text: ANSWER })
    assert.equal((await sent).text, ANSWER)
    assert.equal(upstream.requests.length, 1)
  },
  async 'a chat: the second message gets its own answer'({ client, upstream }) {
    const api = upstream.address()
    assert.equal((await client.chatSend(api, 'chat', 'one')).text, ANSWER)
    assert.equal((await client.chatSend(api, 'chat', 'two')).text, ANSWER)
    const asked = upstream.requests.map(({ body }) => JSON.parse(body).messages[0].parts[0].text)
    assert.deepEqual(asked, ['one', 'two'])
  },
  async 'stop is refused, and harms nothing'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url)
    assert.equal((await client.stop(url)).code, 'unsupported')
    gate.open()
    assert.deepEqual(await client.finish('one'), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
}

test("our client with 0.1.0's worker", async (t) => {
  const ours = await installOurs(t)
  const { DurableFetchClient } = await ours.load()
  const pages = await startPages(t, { name: 'ours', ...ours })
  const worker = await startOriginalWorker(t)
  t.diagnostic(worker.versions)

  const clientIn = {
    node: (_t, { proxy }) => driverOf(new DurableFetchClient({ durablefetchHost: proxy.url })),
    chromium: (t, { proxy }) => pages.open(t, proxy.url),
  }
  const more = async () => {
    const proxy = await startCutProxy({ targetPort: worker.port })
    return { proxy, stop: () => proxy.stop() }
  }
  await runEach(t, { clientIn, scenarios: SCENARIOS, more })

  await t.test('node: no token reaches it, nor the upstream', async (t) => {
    const gate = new Gate()
    const upstream = await startUpstream({ gate })
    t.after(() => upstream.stop())
    const client = driverOf(new DurableFetchClient({ durablefetchHost: worker.url, token: 'secret' }))
    // 0.1.0 hands every header on to the upstream: what is not there was not sent.
    assert.equal((await client.read(upstream.address())).text, ANSWER)
    assert.equal(upstream.requests.length, 1)
    assert.ok(!JSON.stringify(upstream.requests[0].headers).includes('secret'))
  })
})
