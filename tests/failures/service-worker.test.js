// Service workers that keep what they see, between a page and the recorder at its own origin: those that apps have for
// being offline, and which know nothing of a recorder.
import assert from 'node:assert/strict'
import { startFront } from '../lib/front.js'
import { startPages, assertQuiet } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

const HALF = 'the first half, '
const REST = 'and the rest'
const OPTIONS = { retry: { initialDelayMs: 20, maxDelayMs: 200 }, stallAfterMs: 1000 }

/** What each answers with, given `request` and `cache`. */
const KINDS = {
  'network first, the cache where that fails': `
    try {
      const response = await fetch(request)
      event.waitUntil(cache.put(request, response.clone()).catch(() => {}))
      return response
    } catch (error) {
      const kept = await cache.match(request)
      if (kept) return kept
      throw error
    }`,
  'stale while it revalidates': `
    const kept = await cache.match(request)
    const fresh = fetch(request).then((response) => {
      event.waitUntil(cache.put(request, response.clone()).catch(() => {}))
      return response
    })
    if (!kept) return fresh
    fresh.catch(() => {})
    return kept`,
  'plain cache.put, which waits for all of the answer': `
    const response = await fetch(request)
    await cache.put(request, response.clone())
    return response`,
}

const script = (answer) => `
  addEventListener('install', () => skipWaiting())
  addEventListener('activate', (event) => event.waitUntil(clients.claim()))
  addEventListener('fetch', (event) => {
    const { request } = event
    if (request.method !== 'GET' || !request.url.includes('/df/')) return
    event.respondWith((async () => {
      const cache = await caches.open('everything')
      ${answer}
    })())
  })`

inEachEngine('service workers', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  /** A page under this service worker. */
  async function under(t, kind) {
    const { upstream, recorder, start } = await startWorld(t)
    const files = { '/sw.js': script(KINDS[kind]) }
    const front = await start(startFront({ root: pages.dir, files, recorderPort: recorder.port }))
    const page = await pages.open(t, '/df', { retry: undefined, ...OPTIONS }, { address: front.url })
    await page.page.evaluate(async () => {
      const controls = new Promise((resolve) =>
        navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
      )
      await navigator.serviceWorker.register('/sw.js')
      await controls
    })
    return { upstream, front, page, address: upstream.address() }
  }

  const kept = (page) => page.page.evaluate(async () => (await (await caches.open('everything')).keys()).length)

  async function assertWhole(page, name, text) {
    const read = await page.end(name)
    assert.deepEqual([read.text, read.end], [text, 'clean'], JSON.stringify(read))
    await assertQuiet(page)
  }

  for (const kind of Object.keys(KINDS)) {
    await check(`${kind}: an answer, and the same again`, async (t) => {
      const { upstream, page, address } = await under(t, kind)
      await page.begin('one', address)
      const asked = await upstream.asked(address)
      asked.head()
      asked.write(HALF)
      asked.end(REST)
      await assertWhole(page, 'one', HALF + REST)
      await page.page.until(async () => (await (await caches.open('everything')).keys()).length > 0)
      await page.begin('two', address)
      await assertWhole(page, 'two', HALF + REST)
      assert.equal(upstream.count(address), 1)
      assert.ok((await kept(page)) > 0, 'the service worker keeps what it sees')
    })
  }

  for (const kind of Object.keys(KINDS).slice(0, 2)) {
    await check(`${kind}: cut, and a continuation that fails`, async (t) => {
      const { upstream, front, page, address } = await under(t, kind)
      // What is kept of this URL is the answer to an earlier request.
      await page.begin('before', address)
      const before = await upstream.asked(address)
      before.head()
      before.end('an earlier answer')
      await assertWhole(page, 'before', 'an earlier answer')
      await page.page.until(async () => (await (await caches.open('everything')).keys()).length > 0)
      await page.begin('one', address, { headers: { 'durablefetch-mode': 'restart' } })
      const asked = await upstream.asked(address, 1)
      asked.head()
      asked.write(HALF)
      await page.until('one', HALF.length)
      front.lose(true)
      await page.page.until(() => window.reconnects.filter(({ phase }) => phase === 'waiting').length > 2)
      front.lose(false)
      asked.end(REST)
      await assertWhole(page, 'one', HALF + REST)
      assert.equal(upstream.count(address), 2)
    })
  }
})
