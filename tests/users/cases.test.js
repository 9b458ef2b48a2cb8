import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from '../lib/deadline.js'
import { inEachEngine } from '../lib/each-engine.js'
import { openBrowser } from '../lib/engines.js'
import { seeded } from '../lib/random.js'
import { cases } from './cases/index.js'
import { ANSWER, HALF } from './lib/answer.js'
import { installOurs } from './lib/ours.js'
import { startSite } from './lib/site.js'
import { startWorld } from './lib/world.js'
import { versionsOf } from './lib/versions.js'

const ROUNDS = Number(process.env.E2E_ROUNDS ?? 1)

/** Less than the shortest second half: in the middle of an event, of a word, of a character. */
const CUT_WITHIN_BYTES = 100

/**
 * Lets the library read the first half of the answer, cuts all connections in the middle of the second, and expects
 * the whole answer. `start(world, received)` starts the reading and resolves with the text.
 */
async function cutAndCheck(t, start) {
  const random = seeded(t, t.name)
  for (let round = 0; round < ROUNDS; round += 1) await oneCut(t, start, random.between(1, CUT_WITHIN_BYTES))
}

async function oneCut(t, start, bytes) {
  t.diagnostic(`cut after ${bytes} bytes`)
  const world = await startWorld(t)
  const { gate, proxy, upstream } = world
  gate.holdAt(HALF)
  let received
  const first = new Promise((resolve) => (received = resolve))
  const reading = start(world, received)
  // What fails at once is told at once.
  await within(20_000, 'the library got a first piece', Promise.race([first, reading]))
  await gate.reached()
  const cut = proxy.cutAfter(bytes)
  gate.open()
  await within(20_000, 'the connections were cut', cut)
  assert.equal(await within(30_000, 'the library got the end', reading), ANSWER)
  assert.equal(upstream.requests.length, 1, 'the upstream was asked once')
  assert.equal(upstream.requests[0].state, 'finished')
}

test(`libraries that take a fetch, in Node ${process.version}`, async (t) => {
  const { DurableFetchClient } = await (await installOurs(t)).load()

  await t.test('control: with native fetch the same cut is an error', async (t) => {
    const { read } = cases['eventsource-parser']
    const direct = ({ proxy, upstream }, received) =>
      read({ df: { fetch }, upstream: `${proxy.url}/${new URL(upstream.url).host}`, id: crypto.randomUUID(), received })
    await assert.rejects(cutAndCheck(t, direct), TypeError)
  })

  for (const reuse of ['live', 'never']) {
    await t.test(`reuse: '${reuse}': one cut`, (t) =>
      cutAndCheck(t, ({ proxy, upstream }, received) => {
        const df = new DurableFetchClient({ durablefetchHost: proxy.url, reuse })
        return cases['eventsource-parser'].read({ df, upstream: upstream.url, id: crypto.randomUUID(), received })
      }),
    )
  }

  for (const { title, packages, where, read } of Object.values(cases)) {
    if (!where.includes('node')) continue
    await t.test(`${title} (${versionsOf(packages)}): one cut`, (t) =>
      cutAndCheck(t, ({ proxy, upstream }, received) => {
        const df = new DurableFetchClient({ durablefetchHost: proxy.url })
        return read({ df, upstream: upstream.url, id: crypto.randomUUID(), received })
      }),
    )
  }
})

inEachEngine('libraries that take a fetch', async (t, engine, check) => {
  const site = await startSite({ pages: ['cases.js'], ...(await installOurs(t)) })
  t.after(() => site.stop())
  const browser = await openBrowser(engine)
  t.after(() => browser.close())
  t.diagnostic(browser.version)

  for (const [name, { title, packages }] of Object.entries(cases)) {
    await check(`${title} (${versionsOf(packages)}): one cut`, async (t) => {
      const page = await browser.newPage()
      t.after(() => page.close())
      await page.goto(`${site.url}/cases`)
      await page.until(() => document.documentElement.dataset.ready)
      assert.equal(await page.evaluate(() => window.isOurs), true, 'the client under test is ours')
      await cutAndCheck(t, async ({ proxy, upstream }, received) => {
        const at = { recorder: proxy.url, upstream: upstream.url, id: crypto.randomUUID() }
        const reading = page.evaluate((name, at) => window.read(name, at), name, at)
        // Whatever is wrong is in what it resolves with.
        page.until(() => window.hasReceived).then(received, () => {})
        const { text, failed } = await reading
        assert.equal(failed, undefined)
        return text
      })
      assert.deepEqual(await page.errors(), [], 'uncaught errors of the page')
    })
  }
})
