// A recorder that a service manager restarts, as its users see it: they do not.
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { within } from '../lib/deadline.js'
import { assertQuiet, startPages } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

const HALF = 'the first half, '
const REST = 'and the rest'
const QUESTION = { method: 'POST', body: 'Why?' }
const STARTS = 200

inEachEngine('restart', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  /** Asked again and again: no event tells of it. */
  async function untilDraining(recorder) {
    const asked = async () => {
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${recorder.port}/readyz`)
        if (answer.status === 503) return answer.json()
      }
    }
    const { reasons } = await within(10_000, 'the recorder drains', asked())
    assert.equal(reasons[0].reason, 'draining')
  }

  /** A page with half an answer, and a recorder that was told to end because of a deploy. */
  async function draining(t) {
    const { upstream, recorder } = await startWorld(t, { args: ['--drain', '10m'] })
    const page = await pages.open(t, recorder.url)
    const address = upstream.address()
    await page.begin('live', address, QUESTION)
    const asked = await upstream.asked(address)
    asked.head()
    asked.write(HALF)
    await page.until('live', HALF.length)
    const ended = recorder.terminate()
    await untilDraining(recorder)
    return { upstream, recorder, page, address, asked, ended }
  }

  await check('what is live comes to its end, and what is new waits for the next process', async (t) => {
    const { upstream, recorder, page, address, asked, ended } = await draining(t)
    const other = await pages.open(t, recorder.url)
    await other.begin('joined', address, QUESTION)
    assert.equal((await other.until('joined', HALF.length)).text, HALF)
    assert.equal((await other.call('isInProgress', address)).inProgress, true)

    const next = upstream.address()
    await page.begin('new', next, QUESTION)
    const waits = async () => {
      while (!(await page.reconnects()).some(({ url, phase }) => url === next && phase === 'waiting'));
    }
    await within(10_000, 'the app hears that its request waits', waits())
    asked.end(REST)
    for (const [reader, name] of [
      [page, 'live'],
      [other, 'joined'],
    ]) {
      const { text, end } = await reader.end(name)
      assert.deepEqual([text, end], [HALF + REST, 'clean'])
    }
    await ended
    assert.equal(upstream.count(next), 0, 'nothing is started by a recorder that ends')
    await recorder.restart()
    const answer = await upstream.asked(next)
    answer.head()
    answer.end('the second answer')
    const { text, end } = await page.end('new')
    assert.deepEqual([text, end], ['the second answer', 'clean'])
    assert.equal(upstream.count(next), 1)
    await assertQuiet(page)
  })

  await check('Stop works while it drains', async (t) => {
    const { page, address, asked, ended } = await draining(t)
    assert.equal((await page.call('stop', address)).success, true)
    const { text, end } = await page.end('live')
    assert.deepEqual([text, end], [HALF, 'clean'])
    await asked.until('hung up')
    await ended
  })

  await check(`of ${STARTS} starts around a restart none fails, and 99 of 100 begin within a second`, async (t) => {
    const { upstream, recorder, page, asked, ended } = await draining(t)
    // One after the other through the drain and the time without a process, as people send them.
    const addresses = Array.from({ length: STARTS }, () => upstream.address())
    const sent = new Map()
    const begun = (async () => {
      for (const address of addresses) {
        sent.set(address, performance.now())
        await page.begin(address, address, QUESTION)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })()
    let ready = Number.POSITIVE_INFINITY
    const waits = addresses.map(async (address) => {
      const start = await upstream.asked(address)
      const waited = performance.now() - Math.max(ready, sent.get(address))
      start.head()
      start.end('an answer')
      return waited
    })
    while ((await page.reconnects()).length < STARTS / 4);
    asked.end(REST)
    await ended
    await recorder.restart()
    ready = performance.now()
    await begun
    const waited = (await Promise.all(waits)).sort((a, b) => a - b)
    const p99 = waited[Math.floor(waited.length * 0.99)]
    t.diagnostic(
      `99 of 100 starts came within ${Math.round(p99)} ms of readiness, the last ${Math.round(waited.at(-1))} ms`,
    )
    assert.ok(p99 <= 1000, `${p99} ms`)
    for (const address of addresses) {
      const { text, end } = await page.end(address)
      assert.deepEqual([text, end], ['an answer', 'clean'])
      assert.equal(upstream.count(address), 1)
    }
    await assertQuiet(page)
  })
})
