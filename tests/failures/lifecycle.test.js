// What a browser does to pages that nobody looks at, and what becomes of their responses: offline, hidden, frozen, in
// the back/forward cache, asleep with the whole machine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { toBackgroundAndBack } from '../lib/browser.js'
import { startCutProxy } from '../lib/cut-proxy.js'
import { startPages } from './lib/page.js'
import { startWorld } from '../lib/world.js'

/** Ten times what a reconnection takes on a busy machine. */
const IMPATIENT = { initialDelayMs: 20, maxDelayMs: 100, giveUpAfterMs: 3000 }
const HALF = 'the first half, '
const REST = 'and the rest'

test('lifecycle', async (t) => {
  // Playwright turns the back/forward cache off, since it gets confused by pages that come back.
  const pages = await startPages(t, { ignoreDefaultArgs: ['--disable-back-forward-cache'] })

  /** A page with half of a response, and how to check that the rest came. */
  async function inTheMiddle(t, options, open = 'open') {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const page = await pages[open](t, proxy.url, options)
    const address = upstream.address()
    await page.begin('one', address, { method: 'POST', body: 'Why?' })
    const asked = await upstream.asked(address)
    asked.head()
    asked.write(HALF)
    await page.until('one', HALF.length)
    return {
      page,
      recorder,
      /** What the page misses while it is away: its connections break, and the answer is written to its end. */
      async meanwhile() {
        proxy.cutNow()
        asked.end(REST)
        await asked.until('finished')
      },
      async assertWhole() {
        const { text, end } = await page.end('one')
        assert.deepEqual([text, end], [HALF + REST, 'clean'])
        assert.equal(upstream.count(address), 1)
        assert.deepEqual(page.errors, [])
      },
    }
  }

  await t.test('offline, then online: it goes on at once, however long it had meant to wait', async (t) => {
    const { page, meanwhile, assertWhole } = await inTheMiddle(t, {
      retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
    const context = page.page.context()
    await context.setOffline(true)
    await meanwhile()
    await page.page.waitForFunction(() => window.reconnects.some(({ attempt }) => attempt > 1))
    await context.setOffline(false)
    await assertWhole()
  })

  await t.test('hidden, and shown again: it goes on at once', async (t) => {
    const { page, meanwhile, assertWhole } = await inTheMiddle(t, {
      retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
    const cdp = await page.page.context().newCDPSession(page.page)
    const network = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
    await page.page.evaluate(() => addEventListener('online', (event) => event.stopImmediatePropagation(), true))
    await cdp.send('Network.emulateNetworkConditions', { offline: true, ...network })
    await meanwhile()
    await page.page.waitForFunction(() => window.reconnects.some(({ attempt }) => attempt > 1))
    // The network comes back without a word, as it does behind a dead VPN; then the page is shown.
    await cdp.send('Network.emulateNetworkConditions', { offline: false, ...network })
    await toBackgroundAndBack(page.page)
    await assertWhole()
  })

  for (const longer of [false, true]) {
    const what = longer ? "for longer than `giveUpAfterMs`, which was nobody's fault" : 'and resumed'
    await t.test(`hidden and frozen, ${what}`, async (t) => {
      const { page, meanwhile, assertWhole } = await inTheMiddle(t, { retry: IMPATIENT }, 'openRaw')
      await page.raw.evaluate(`
        window.lifecycle = []
        for (const type of ['freeze', 'resume']) document.addEventListener(type, () => window.lifecycle.push(type))`)
      await page.raw.send('Page.setWebLifecycleState', { state: 'frozen' })
      await meanwhile()
      if (longer) await pause(2 * IMPATIENT.giveUpAfterMs)
      await page.raw.send('Page.setWebLifecycleState', { state: 'active' })
      await assertWhole()
      assert.deepEqual(await page.raw.evaluate('window.lifecycle'), ['freeze', 'resume'])
    })
  }

  await t.test('asleep: every process of the browser stands still for longer than `giveUpAfterMs`', async (t) => {
    // Twice as patient: the recorder starts again within this time, and it sleeps for longer.
    const giveUpAfterMs = 2 * IMPATIENT.giveUpAfterMs
    const { page, recorder } = await inTheMiddle(t, { retry: { ...IMPATIENT, giveUpAfterMs } })
    const cdp = await pages.browser.newBrowserCDPSession()
    const { processInfo } = await cdp.send('SystemInfo.getProcessInfo')
    // It has failed before it falls asleep: the time asleep is not to count.
    await recorder.kill()
    await page.page.waitForFunction(() => window.reconnects.some(({ phase }) => phase === 'waiting'))
    const all = (signal) => processInfo.forEach(({ id }) => process.kill(id, signal))
    all('SIGSTOP')
    try {
      await pause(1.5 * giveUpAfterMs)
    } finally {
      all('SIGCONT')
    }
    await recorder.restart()
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end.code], [HALF, 'interrupted'], 'it has not given up')
  })

  await t.test('left for another page and come back to, out of the back/forward cache', async (t) => {
    const { page, meanwhile, assertWhole } = await inTheMiddle(t)
    await page.page.evaluate(() => {
      addEventListener('pageshow', (event) => (window.persisted = event.persisted))
    })
    await page.page.goto(`${pages.url}/main.js`)
    await meanwhile()
    await page.page.goBack({ waitUntil: 'commit' })
    // The page is there before it is told that it is back.
    const shown = await page.page.waitForFunction(() => 'persisted' in window && { persisted: window.persisted })
    assert.deepEqual(await shown.jsonValue(), { persisted: true }, 'it was in the cache')
    await assertWhole()
  })

  await t.test('in a private window: last messages last as long as the window', async (t) => {
    const { recorder } = await startWorld(t)
    // Playwright's contexts are Chromium's private profiles.
    const one = await pages.open(t, recorder.url)
    await one.call('saveLastMessage', 'chat', { text: 'hello' })
    await one.page.reload()
    await one.make({ durablefetchHost: recorder.url })
    assert.deepEqual(await one.call('lastMessage', 'chat'), { text: 'hello' })
    const other = await pages.open(t, recorder.url)
    assert.equal(await other.call('lastMessage', 'chat'), undefined)
  })
})
