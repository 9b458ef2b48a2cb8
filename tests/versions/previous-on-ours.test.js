// The client of 0.2 with our recorder.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUESTION } from '../seed-compat/lib/scenarios.js'
import { ANSWER, HALF } from '../users/lib/answer.js'
import { installPrevious } from './lib/packages.js'
import { BOTH, OTHER, runWith } from './lib/scenarios.js'

const SCENARIOS = {
  ...BOTH,
  async 'two that ask differently at once each get their own answer'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await client.begin('two', url, OTHER)
    gate.open()
    for (const id of ['one', 'two']) assert.deepEqual(await client.finish(id), { text: ANSWER })
    assert.deepEqual(
      upstream.requests.map(({ body }) => body),
      [QUESTION.body, OTHER.body],
    )
  },
  async 'what was stopped is asked for anew'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await client.stop(url)
    await client.finish('one')
    gate.open()
    assert.equal((await client.read(url, QUESTION)).text, ANSWER)
    assert.equal(upstream.requests.length, 2)
  },
  async 'stop and delete by URL are about all that is live'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await client.begin('two', url, OTHER)
    await client.stop(url)
    for (const id of ['one', 'two']) assert.equal((await client.finish(id)).failed, undefined)
    await client.delete(url)
    assert.equal((await client.isInProgress(url)).state, 'none')
    gate.open()
    assert.equal((await client.read(url, QUESTION)).text, ANSWER)
    assert.equal(upstream.requests.length, 3)
  },
}

test("0.2's client with our recorder", async (t) => {
  const installed = await installPrevious(t)
  assert.match(installed.version, /^0\.2\./)
  await runWith(t, { installed, scenarios: SCENARIOS })
})
