// What both files do: the scenarios that any client passes with any recorder, and running scenarios in Node and Chromium.
import assert from 'node:assert/strict'
import { within } from '../../e2e/lib/deadline.js'
import { Gate } from '../../e2e/lib/gate.js'
import { ANSWER, HALF } from '../../users/lib/answer.js'
import { startUpstream } from './upstream.js'

export const TYPE = 'text/plain; charset=utf-8'
export const QUESTION = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"question":"Hello"}',
}

export const COMMON = {
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
  async 'left in the middle, in progress, so fetched again: the whole answer, from one request'({
    client,
    upstream,
    gate,
  }) {
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
  async 'delete: the next one starts anew'({ client, upstream }) {
    const url = upstream.address()
    await client.read(url)
    assert.equal((await client.delete(url)).success, true)
    assert.equal((await client.isInProgress(url)).completed, false)
    assert.equal((await client.read(url)).text, ANSWER)
    assert.equal(upstream.requests.length, 2)
  },
}

/**
 * Each scenario with each client, with a gate and an upstream of its own. `clientIn`: place → a function of the
 * subtest and the world that gives a driver. `more()`: what else the world of a scenario has, and its `stop`.
 */
export async function runEach(t, { clientIn, scenarios, host, more = async () => ({ stop: () => {} }) }) {
  for (const [where, clientOf] of Object.entries(clientIn)) {
    for (const [name, scenario] of Object.entries(scenarios)) {
      await t.test(`${where}: ${name}`, async (t) => {
        const gate = new Gate()
        const upstream = await startUpstream({ gate, host })
        const { stop, ...rest } = await more()
        t.after(async () => {
          gate.open()
          await upstream.stop()
          await stop()
        })
        const world = { ...rest, upstream, gate, where }
        const client = await clientOf(t, world)
        await within(30_000, 'the scenario is over', scenario({ client, ...world }))
      })
    }
  }
}
