// The scenarios that any client passes with any recorder, the chats that any recorder serves to our client, and running
// scenarios in Node and Chromium.
import assert from 'node:assert/strict'
import { within } from '../../lib/deadline.js'
import { Gate } from '../../lib/gate.js'
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

/** Chats of our client, with a recorder of any version. */
export const CHATS = {
  async 'a chat: nothing to resume is 204, and the upstream is not asked'({ client, upstream }) {
    assert.equal((await client.chatResume(upstream.address(), 'chat')).status, 204)
    assert.equal(upstream.requests.length, 0)
  },
  async "a chat with reconnect: 'recorded': what has finished is there, what never was is 204"({ client, upstream }) {
    const [api, other] = [upstream.address(), upstream.address()]
    await client.chatSend(api, 'chat', 'Hello')
    const recorded = { reconnect: 'recorded' }
    assert.deepEqual(await client.chatResume(api, 'chat', recorded), { status: 200, type: TYPE, text: ANSWER })
    assert.equal((await client.chatResume(other, 'chat', recorded)).status, 204)
    assert.equal(upstream.requests.length, 1)
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
