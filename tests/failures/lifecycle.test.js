// What a browser does to pages that nobody looks at, and what becomes of their responses: offline, hidden, frozen, in
// the back/forward cache, asleep with the whole machine.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { toBackgroundAndBack } from '../lib/browser.js'
import { startCutProxy } from '../lib/cut-proxy.js'
import { driverOf } from '../lib/driven.js'
import { offline } from './lib/offline.js'
import { startPages, assertQuiet } from './lib/page.js'
import { openRaw } from './lib/raw-page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

/** Ten times what a reconnection takes on a busy machine. */
const IMPATIENT = { initialDelayMs: 20, maxDelayMs: 100, giveUpAfterMs: 3000 }
/** Whether a process of a browser, which starts some to have them and ends them again, is still there. */
function lives(id) {
  try {
    return process.kill(id, 0)
  } catch {
    return false
  }
}

const HALF = 'the first half, '
const REST = 'and the rest'

// Playwright turns the back/forward cache off, since it gets confused by pages that come back.
const KEEPS_PAGES = { chromium: { ignoreDefaultArgs: ['--disable-back-forward-cache'] } }

inEachEngine('lifecycle', async (t, engine, check) => {
  const pages = await startPages(t, engine, KEEPS_PAGES)

  /** A page with half of a response, and how to check that the rest came. */
  async function inTheMiddle(t, options, open = pages.open) {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const page = await open(t, proxy.url, options)
    const address = upstream.address()
    await page.begin('one', address, { method: 'POST', body: 'Why?' })
    const asked = await upstream.asked(address)
    asked.head()
    asked.write(HALF)
    await page.until('one', HALF.length)
    return {
      page,
      proxy,
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
        if (open === pages.open) await assertQuiet(page)
      },
    }
  }

  /** In Chromium, a page that its driver does not keep shown: it can be hidden and frozen. */
  async function openRawPage(t, host, options) {
    const raw = await openRaw(pages.browser.driver, pages.url)
    t.after(() => raw.close())
    return Object.assign(await driverOf(raw.page, host, options), { raw })
  }

  const tried = (page) => page.page.until(() => window.reconnects.some(({ attempt }) => attempt > 1))

  await check('offline, then online: it goes on at once, however long it had meant to wait', async (t) => {
    const { page, proxy, meanwhile, assertWhole } = await inTheMiddle(t, {
      retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
    await offline(page, proxy, true)
    await meanwhile()
    await tried(page)
    await offline(page, proxy, false)
    await assertWhole()
  })

  await check('hidden, and shown again: it goes on at once', async (t) => {
    const { page, proxy, meanwhile, assertWhole } = await inTheMiddle(t, {
      retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
    // The network goes and comes back without a word, as it does behind a dead VPN; then the page is shown.
    proxy.refuse(true)
    await meanwhile()
    await tried(page)
    proxy.refuse(false)
    await toBackgroundAndBack(page.page)
    await assertWhole()
  })

  for (const longer of [false, true]) {
    const what = longer ? "for longer than `giveUpAfterMs`, which was nobody's fault" : 'and resumed'
    await check(`hidden and frozen, ${what}`, { needs: 'freezing' }, async (t) => {
      const { page, meanwhile, assertWhole } = await inTheMiddle(t, { retry: IMPATIENT }, openRawPage)
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

  await check('asleep: every process of the browser stands still for longer than `giveUpAfterMs`', async (t) => {
    // Twice as patient: the recorder starts again within this time, and it sleeps for longer.
    const giveUpAfterMs = 2 * IMPATIENT.giveUpAfterMs
    // It may fall asleep with a request under way: that is to be late when it wakes up.
    const options = { stallAfterMs: 1000, retry: { ...IMPATIENT, giveUpAfterMs } }
    const { page, recorder } = await inTheMiddle(t, options)
    const processes = await pages.browser.processes()
    // It has failed before it falls asleep: the time asleep is not to count.
    await recorder.kill()
    await page.page.until(() => window.reconnects.some(({ phase }) => phase === 'waiting'))
    const all = (signal) => processes.filter(lives).forEach((id) => process.kill(id, signal))
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

  /** Leaves the page for another one, and comes back out of the back/forward cache. */
  async function leaveAndComeBack({ page }, meanwhile) {
    await page.evaluate(() => {
      addEventListener('pageshow', (event) => (window.persisted = event.persisted))
    })
    await page.goto(`${pages.url}/main.js`)
    await meanwhile()
    // It may be gone before it has answered.
    await page.evaluate(() => void setTimeout(() => history.back())).catch(() => {})
    // The page is there before it is told that it is back.
    const shown = await page.until(() => 'persisted' in window && { persisted: window.persisted })
    assert.deepEqual(shown, { persisted: true }, 'it was in the cache')
  }

  await check('left in the middle of a body, and come back to', { needs: 'keeping requests' }, async (t) => {
    const { page, meanwhile, assertWhole } = await inTheMiddle(t)
    await leaveAndComeBack(page, meanwhile)
    await assertWhole()
  })

  await check('left while it waits to reconnect, and come back to: it goes on at once', async (t) => {
    const { page, proxy, meanwhile, assertWhole } = await inTheMiddle(t, {
      retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
    proxy.refuse(true)
    await meanwhile()
    await tried(page)
    await leaveAndComeBack(page, () => proxy.refuse(false))
    await assertWhole()
  })

  await check('in a private window: last messages last as long as the window', async (t) => {
    const { recorder } = await startWorld(t)
    // Each is a person of its own, whose profile goes with it.
    const one = await pages.open(t, recorder.url)
    await one.call('saveLastMessage', 'chat', { text: 'hello' })
    await one.page.reload()
    const again = await driverOf(one.page, recorder.url)
    assert.deepEqual(await again.call('lastMessage', 'chat'), { text: 'hello' })
    const other = await pages.open(t, recorder.url)
    assert.equal(await other.call('lastMessage', 'chat'), undefined)
  })
})
