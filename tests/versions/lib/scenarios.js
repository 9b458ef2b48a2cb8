// What both directions have in common, and running it: each scenario with recorder, proxy and upstream of its own.
import assert from 'node:assert/strict'
import { setImmediate as yieldToIo } from 'node:timers/promises'
import { startCutProxy } from '../../lib/cut-proxy.js'
import { within } from '../../lib/deadline.js'
import { startKillableRecorder } from '../../lib/killable-recorder.js'
import { startPages } from '../../seed-compat/lib/clients.js'
import { CHATS, COMMON, QUESTION, runEach } from '../../seed-compat/lib/scenarios.js'
import { driverOf } from '../../seed-compat/page/driver.js'
import { ANSWER, HALF } from '../../users/lib/answer.js'

export const OTHER = { ...QUESTION, body: '{"question":"Another"}' }

export const BOTH = {
  ...COMMON,
  ...CHATS,
  async 'two that ask the same at once share one request'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await Promise.all([client.begin('one', url, QUESTION), client.begin('two', url, QUESTION)])
    gate.open()
    for (const id of ['one', 'two']) assert.deepEqual(await client.finish(id), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
  async 'what was said to be in progress is joined, whatever asks for it next: a reload'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    assert.equal((await client.isInProgress(url)).inProgress, true)
    await client.begin('two', url, OTHER)
    gate.open()
    for (const id of ['one', 'two']) assert.deepEqual(await client.finish(id), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
  async 'cut in the middle, the same body goes on'({ client, upstream, gate, proxy }) {
    gate.holdAt(HALF)
    await client.begin('one', upstream.address(), QUESTION)
    await gate.reached()
    proxy.cutNow()
    gate.open()
    assert.deepEqual(await client.finish('one'), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
  async 'cut at a byte, the same body goes on'({ client, upstream, gate, proxy }) {
    gate.holdAt(HALF)
    await client.begin('one', upstream.address(), QUESTION)
    await gate.reached()
    const cut = proxy.cutAfter(7)
    gate.open()
    await within(20_000, 'the connections were cut', cut)
    assert.deepEqual(await client.finish('one'), { text: ANSWER })
    assert.equal(upstream.requests.length, 1)
  },
  async 'the recorder dies in the middle: interrupted, with what there was'({ client, upstream, gate, recorder }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await gate.reached()
    await recorder.untilWritten()
    await recorder.kill()
    await recorder.restart()
    const { text, failed, code } = await client.finish('one')
    assert.deepEqual([failed, code], ['TypeError', 'interrupted'])
    assert.ok(text.length > 0 && ANSWER.startsWith(text), text)
    const { inProgress, state } = await client.isInProgress(url)
    assert.deepEqual([inProgress, state], [false, 'interrupted'])
    gate.open()
    assert.equal((await client.read(url, QUESTION)).text, ANSWER)
    assert.equal(upstream.requests.length, 2)
  },
  async 'stop ends what is read'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await gate.reached()
    assert.equal((await client.stop(url)).success, true)
    const { text, failed } = await client.finish('one')
    assert.equal(failed, undefined)
    assert.ok(text.length > 0 && text.length < ANSWER.length && ANSWER.startsWith(text), text)
    const { inProgress, state } = await client.isInProgress(url)
    assert.deepEqual([inProgress, state], [false, 'stopped'])
    assert.equal(upstream.requests.length, 1)
  },
  async 'delete in the middle breaks what is read, and the next one starts anew'({ client, upstream, gate }) {
    const url = upstream.address()
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    await gate.reached()
    assert.equal((await client.delete(url)).success, true)
    const { failed } = await client.finish('one')
    assert.equal(failed, 'TypeError')
    assert.equal((await client.isInProgress(url)).state, 'none')
    gate.open()
    assert.equal((await client.read(url, QUESTION)).text, ANSWER)
    assert.equal(upstream.requests.length, 2)
  },
  async 'status: nothing, while it streams, and after'({ client, upstream, gate }) {
    const url = upstream.address()
    const told = (status) => [status.inProgress, status.activeConnections, status.completed, status.state]
    assert.deepEqual(told(await client.isInProgress(url)), [false, 0, false, 'none'])
    gate.holdAt(HALF)
    await client.begin('one', url, QUESTION)
    const during = await client.isInProgress(url)
    assert.deepEqual(told(during), [true, 1, false, 'streaming'])
    assert.ok(during.recording && during.bytesStored > 0 && during.chunksStored > 0 && during.startedAt > 0)
    gate.open()
    await client.finish('one')
    const after = await client.isInProgress(url)
    assert.deepEqual([after.inProgress, after.completed, after.state], [false, true, 'complete'])
    assert.equal(after.recording, during.recording)
    assert.equal(after.bytesStored, Buffer.byteLength(ANSWER))
  },
  async 'an error of the upstream comes whole, and is asked for once'({ client, upstream }) {
    const seen = await client.read(upstream.address('/problem'), QUESTION)
    assert.deepEqual(seen, { status: 500, type: 'text/plain', text: 'a problem' })
    assert.equal(upstream.requests.length, 1)
  },
  async 'a chat: what streams is resumed, what has finished is not'({ client, upstream, gate }) {
    const api = upstream.address()
    gate.holdAt(HALF)
    const sent = client.chatSend(api, 'chat', 'Hello')
    await gate.reached()
    await client.chatBeginResume('resumed', api, 'chat')
    gate.open()
    assert.deepEqual(await client.finish('resumed'), { text: ANSWER })
    assert.equal((await sent).text, ANSWER)
    assert.equal((await client.chatResume(api, 'chat')).status, 204)
    assert.equal(upstream.requests.length, 1)
  },
  async 'a chat: each message gets its own answer, the same one twice too'({ client, upstream }) {
    const api = upstream.address()
    for (const text of ['one', 'two', 'two']) assert.equal((await client.chatSend(api, 'chat', text)).text, ANSWER)
    const asked = upstream.requests.map(({ body }) => JSON.parse(body).messages[0].parts[0].text)
    assert.deepEqual(asked, ['one', 'two', 'two'])
  },
  async 'a chat: a message takes the place of what still streams'({ client, upstream, gate }) {
    const api = upstream.address()
    gate.holdAt(HALF)
    const first = client.chatSend(api, 'chat', 'one')
    await gate.reached()
    const second = client.chatSend(api, 'chat', 'two')
    await asked(upstream, 2)
    gate.open()
    assert.equal((await second).text, ANSWER)
    assert.deepEqual([(await first).failed, (await first).code], ['TypeError', 'superseded'])
    assert.equal(upstream.requests.length, 2)
  },
  async 'a chat: stopChat ends what streams, and nothing is left to resume'({ client, upstream, gate }) {
    const api = upstream.address()
    gate.holdAt(HALF)
    const sent = client.chatSend(api, 'chat', 'Hello')
    await gate.reached()
    assert.equal((await client.stopChat(api, 'chat')).success, true)
    const { text, failed } = await sent
    assert.equal(failed, undefined)
    assert.ok(text.length < ANSWER.length && ANSWER.startsWith(text), text)
    assert.equal((await client.chatResume(api, 'chat')).status, 204)
    assert.equal(upstream.requests.length, 1)
  },
}

/** Resolves once the upstream was asked so often. No event tells of it. */
export async function asked(upstream, times) {
  let waiting = true
  const reached = async () => {
    while (waiting && upstream.requests.length < times) await yieldToIo()
  }
  await within(20_000, `the upstream is asked ${times} times`, reached()).finally(() => (waiting = false))
}

/** The scenarios with this client in Node and in Chromium. `recorder`: options of `startKillableRecorder`. */
export async function runWith(t, { installed, scenarios, recorder: options }) {
  const { DurableFetchClient } = await installed.load()
  const pages = await startPages(t, { name: 'ours', nodeModules: installed.nodeModules })
  const clientIn = {
    node: (_, { proxy }) => driverOf(new DurableFetchClient({ durablefetchHost: proxy.url })),
    chromium: (t, { proxy }) => pages.open(t, proxy.url),
  }
  const more = async () => {
    const recorder = await startKillableRecorder(options)
    const proxy = await startCutProxy({ targetPort: recorder.port })
    const stop = async () => {
      await proxy.stop()
      await recorder.stop()
    }
    return { recorder, proxy, stop }
  }
  await runEach(t, { clientIn, scenarios, more })
}
