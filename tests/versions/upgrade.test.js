// A recorder of 0.2 is stopped, and ours is started with its data, on its port; clients of 0.2 go on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gate } from '../lib/gate.js'
import { startKillableRecorder } from '../lib/killable-recorder.js'
import { BINARY } from '../lib/recorder.js'
import { QUESTION } from '../seed-compat/lib/scenarios.js'
import { startUpstream } from '../seed-compat/lib/upstream.js'
import { driverOf } from '../seed-compat/page/driver.js'
import { ANSWER, HALF } from '../users/lib/answer.js'
import { named } from './lib/named.js'
import { installOurs, installPrevious } from './lib/packages.js'
import { asked } from './lib/scenarios.js'

const ENDS = {
  killed: (recorder) => recorder.kill(),
  'told to end': (recorder) => recorder.terminate(),
}

test("our recorder with what 0.2's has left", async (t) => {
  const [previous, ours] = [await installPrevious(t), await installOurs(t)]
  const { DurableFetchClient: Previous } = await previous.load()
  const { DurableFetchClient: Ours } = await ours.load()

  for (const [how, end] of Object.entries(ENDS)) {
    await t.test(`${how}: finished ones replay, what was live is interrupted`, async (t) => {
      // Its end does not wait for what streams.
      const recorder = await startKillableRecorder({ binary: named('PREVIOUS_BIN'), args: ['--drain', '0s'] })
      const gate = new Gate()
      const upstream = await startUpstream({ gate })
      t.after(async () => {
        gate.open()
        await upstream.stop()
        await recorder.stop()
      })
      const client = driverOf(new Previous({ durablefetchHost: recorder.url }))
      const newer = driverOf(new Ours({ durablefetchHost: recorder.url }))
      const [post, get, chat, live] = ['/post', '/get', '/chat', '/live'].map((path) => upstream.address(path))
      assert.equal((await client.read(post, QUESTION)).text, ANSWER)
      assert.equal((await client.read(get)).text, ANSWER)
      assert.equal((await client.chatSend(chat, 'chat', 'Hello')).text, ANSWER)
      const problem = upstream.address('/problem')
      assert.equal((await client.read(problem, QUESTION)).status, 500)
      gate.holdAt(HALF)
      const first = await client.begin('live', live, QUESTION)
      const sent = client.chatSend(live, 'chat', 'Hello')
      await asked(upstream, 6)
      // Its first bytes are here, so its head is stored.
      await client.chatBeginResume('resumed', live, 'chat')
      const statuses = await Promise.all([post, get].map((url) => client.isInProgress(url)))
      await recorder.untilWritten()

      await end(recorder)
      await recorder.restart(BINARY)

      // Bodies that were open in the meantime.
      const { text, failed, code } = await client.finish('live')
      assert.deepEqual([failed, code], ['TypeError', 'interrupted'])
      assert.ok(text.startsWith(first) && ANSWER.startsWith(text), text)
      assert.deepEqual([(await sent).code, (await client.finish('resumed')).code], ['interrupted', 'interrupted'])
      for (const reader of [client, newer]) {
        const seen = [await reader.read(post, QUESTION), await reader.read(get)]
        seen.push(await reader.chatResume(chat, 'chat', { reconnect: 'recorded' }))
        for (const { status, text } of seen) assert.deepEqual([status, text], [200, ANSWER])
        assert.equal((await reader.chatResume(chat, 'chat')).status, 204)
        for (const [at, url] of [post, get].entries()) {
          const { recording, state, bytesStored, chunksStored, startedAt } = await reader.isInProgress(url)
          const { recording: id, startedAt: then, chunksStored: chunks } = statuses[at]
          assert.deepEqual([recording, state, startedAt, chunksStored], [id, 'complete', then, chunks])
          assert.equal(bytesStored, Buffer.byteLength(ANSWER))
        }
        const status = await reader.isInProgress(live)
        assert.deepEqual([status.state, status.inProgress], ['interrupted', false])
        assert.equal((await reader.chatResume(live, 'chat', { reconnect: 'recorded' })).code, 'interrupted')
      }
      assert.equal(upstream.requests.length, 6, 'nothing was asked for again')
      gate.open()
      assert.equal((await newer.read(live, QUESTION)).text, ANSWER)
      assert.equal((await client.read(live, QUESTION)).text, ANSWER)
      assert.equal(upstream.requests.length, 7)
    })
  }
})
