// The client of 0.1.0, as npm has it, with our recorder.
//
// It takes every host but `localhost` and `127.0.0.1` for one that is not on this machine, so the upstream listens on
// another address of the loopback network. Its scheme for status and delete is changed on the way: see page/send-plain.js.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DurableFetchClient } from 'original'
import { startRecorder } from '../lib/recorder.js'
import { ANSWER, HALF } from '../users/lib/answer.js'
import { startPages } from './lib/clients.js'
import { COMMON, QUESTION, runEach } from './lib/scenarios.js'
import { driverOf } from './page/driver.js'
import { sendPlain } from './page/send-plain.js'

const SCENARIOS = {
  ...COMMON,
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
  await runEach(t, { clientIn, scenarios: SCENARIOS, host: '127.0.0.2' })
})
