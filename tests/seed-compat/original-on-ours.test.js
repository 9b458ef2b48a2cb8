// The client of 0.1.0, as npm has it, with our recorder.
//
// It takes every host but `localhost` and `127.0.0.1` for one that is not on this machine, so the upstream listens on
// another address of the loopback network. Its scheme for status and delete is changed on the way: see page/send-plain.js.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DurableFetchClient } from 'original'
import { within } from '../e2e/lib/deadline.js'
import { Gate } from '../e2e/lib/gate.js'
import { startRecorder } from '../e2e/lib/recorder.js'
import { ANSWER, HALF } from '../users/lib/answer.js'
import { startPages } from './lib/clients.js'
import { startUpstream } from './lib/upstream.js'
import { driverOf } from './page/driver.js'
import { sendPlain } from './page/send-plain.js'

const TYPE = 'text/plain; charset=utf-8'
const QUESTION = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"question":"Hello"}' }

const SCENARIOS = {
  async 'an answer streams, and is replayed'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    const first = await client.begin('one', url, QUESTION)
    assert.ok(ANSWER.startsWith(first), 'the first half comes before there is a second')
    gate.open()
    assert.deepEqual(await client.finish('one'), { text: ANSWER })
    assert.deepEqual(await client.read(url, QUESTION), { status: 200, type: TYPE, text: ANSWER })
    assert.equal(upstream.requests.length, 1)
    assert.equal(upstream.requests[0].body, QUESTION.body)
  },
  async 'status: nothing, while it streams, and after'({ client, upstream, gate }) {
    const url = upstream.address()
    const seed = ({ inProgress, activeConnections, chunksStored, completed }) => ({
      inProgress,
      activeConnections,
      chunksStored,
      completed,
    })
    assert.deepEqual(seed(await client.isInProgress(url)), {
      inProgress: false,
      activeConnections: 0,
      chunksStored: 0,
      completed: false,
    })
    gate.holdAt(HALF)
    await client.begin('one', url)
    await gate.reached()
    const during = await client.isInProgress(url)
    assert.deepEqual([during.inProgress, during.activeConnections, during.completed], [true, 1, false])
    assert.ok(during.chunksStored > 0)
    gate.open()
    await client.finish('one')
    const after = await client.isInProgress(url)
    assert.deepEqual([after.inProgress, after.completed], [false, true])
  },
  async 'left in the middle, fetched again: the whole answer, from one request'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await client.abort('one')
    assert.equal((await client.isInProgress(url)).inProgress, true)
    await client.begin('two', url, QUESTION)
    gate.open()
    assert.deepEqual(await client.finish('two'), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
  async 'two at once share one request'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await Promise.all([client.begin('one', url), client.begin('two', url)])
    gate.open()
    assert.deepEqual(await Promise.all([client.finish('one'), client.finish('two')]), [
      { text: ANSWER },
      { text: ANSWER },
    ])
    assert.equal(upstream.requests.length, 1)
  },
  async 'delete: the next one starts anew'({ client, upstream }) {
    const url = upstream.address()
    await client.read(url)
    assert.deepEqual(await client.delete(url), { success: true, message: 'Response deleted successfully' })
    assert.deepEqual((await client.isInProgress(url)).completed, false)
    assert.equal((await client.read(url)).text, ANSWER)
    assert.equal(upstream.requests.length, 2)
  },
  async "an upstream's error comes whole"({ client, upstream }) {
    const seen = await client.read(upstream.address('/problem'), QUESTION)
    assert.deepEqual(seen, { status: 500, type: 'text/plain', text: 'a problem' })
  },
}

test("0.1.0's client with our recorder", async (t) => {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  // The option of 0.1.0 is a host, without a scheme.
  const { host } = new URL(recorder.url)
  const pages = await startPages(t, { name: 'original' })
  sendPlain(host)
  const clientIn = {
    node: () => driverOf(new DurableFetchClient({ durablefetchHost: host })),
    chromium: (t) => pages.open(t, host),
  }
  for (const [where, clientOf] of Object.entries(clientIn)) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await t.test(`${where}: ${name}`, async (t) => {
        const gate = new Gate()
        const upstream = await startUpstream({ gate, host: '127.0.0.2' })
        t.after(() => {
          gate.open()
          return upstream.stop()
        })
        const client = await clientOf(t)
        await within(30_000, 'the scenario is over', scenario({ client, upstream, gate }))
      })
    }
  }
})
