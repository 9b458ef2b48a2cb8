// Cuts, short ends, stalls and answers of intermediaries, between Chromium and a real recorder.
import assert from 'node:assert/strict'
import { startCutProxy } from '../lib/cut-proxy.js'
import { within } from '../lib/deadline.js'
import { seeded } from '../lib/random.js'
import { startHttpProxy } from './lib/http-proxy.js'
import { OPTIONS, startPages, assertQuiet } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

const TEXT = Array.from({ length: 60 }, (_, at) => `word ${at}, naïve, 日本, 😀\n`).join('')
const BYTES = Buffer.from(TEXT)
const MIDDLE = 100
const QUESTION = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"question":"Why?"}' }
const isContinuation = ({ headers }) => headers['durablefetch-offset'] !== undefined
const isStatus = ({ method, url }) => method === 'POST' && url.endsWith('/in-progress')
const isStart = ({ method, headers }) => method === 'POST' && headers['durablefetch-request'] !== undefined

/** The whole text, cleanly, from one upstream request. */
async function assertWhole(page, name, upstream, address) {
  const { text, end, url } = await page.end(name)
  assert.equal(end, 'clean', JSON.stringify(end))
  assert.equal(text, TEXT)
  assert.equal(url, address, 'its url is the upstream one')
  assert.equal(upstream.count(address), 1, 'the upstream was asked once')
  await assertQuiet(page)
}

/** A response in the middle: half of it has come. */
async function half(page, upstream, name = 'one') {
  const address = upstream.address()
  await page.begin(name, address, QUESTION)
  const asked = await upstream.asked(address)
  asked.head()
  asked.write(BYTES.subarray(0, MIDDLE))
  await page.until(name, MIDDLE)
  return { address, asked }
}

/** All of it, a little at a time. */
async function writeAll(asked, size) {
  asked.head()
  for (let at = 0; at < BYTES.length; at += size) await asked.write(BYTES.subarray(at, at + size))
  asked.end()
}

inEachEngine('cuts', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  await check('at every place of a response: in the head, in the body, before and after its last byte', async (t) => {
    const random = seeded(t, 'places of cuts')
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const page = await pages.open(t, proxy.url)

    /** Fetches a response that is written while it is read; `place`: bytes after which to cut. */
    const fetchCut = async (name, place) => {
      const address = upstream.address()
      // The preflight is past, and no connection is known to be good.
      proxy.cutNow()
      const before = proxy.passed()
      const cut = proxy.cutAfter(place)
      await page.begin(name, address, QUESTION)
      const asked = await upstream.asked(address)
      await writeAll(asked, 50)
      await assertWhole(page, name, upstream, address)
      proxy.cutNow()
      await cut
      return proxy.passed() - before
    }

    const whole = await fetchCut('uncut', 1 << 30)
    assert.ok(whole > BYTES.length, `${whole} bytes for ${BYTES.length}`)
    const places = [1, 2, whole - 7, whole - 6, whole - 5, whole - 4, whole - 1, whole]
    for (let at = 3; at < whole; at += random.between(40, 120)) places.push(at)
    for (const place of places) await fetchCut(`cut at ${place}`, place)
    t.diagnostic(`${places.length} places of ${whole} bytes`)
  })

  await check('a clean end that is short: whichever side closed it, the rest comes', async (t) => {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
    const page = await pages.open(t, proxy.url)
    const { address, asked } = await half(page, upstream)
    proxy.endCleanly()
    await proxy.until(1, isContinuation)
    asked.end(BYTES.subarray(MIDDLE))
    await assertWhole(page, 'one', upstream, address)
  })

  await check('stalled and still open, while the recorder has more: it is asked for the rest', async (t) => {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
    const page = await pages.open(t, proxy.url, { stallAfterMs: 300 })
    const { address, asked } = await half(page, upstream)
    proxy.stall()
    asked.end(BYTES.subarray(MIDDLE))
    await assertWhole(page, 'one', upstream, address)
    assert.ok(proxy.seen.some(isContinuation))
  })

  await check(
    'silent, and the recorder has no more: it is asked again and again whether it has, and nothing else happens',
    async (t) => {
      const { upstream, recorder, start } = await startWorld(t)
      const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
      const page = await pages.open(t, proxy.url, { stallAfterMs: 100 })
      const { address, asked } = await half(page, upstream)
      await proxy.until(3, isStatus)
      asked.end(BYTES.subarray(MIDDLE))
      await assertWhole(page, 'one', upstream, address)
    },
  )

  for (const status of [502, 503, 504, 520, 522, 524]) {
    for (const passes of [false, true]) {
      const what = passes ? 'in place of the answer of a recorder that has begun' : 'before the recorder has seen it'
      await check(`${status} of an intermediary, ${what}: sent again with the same id, run once`, async (t) => {
        const { upstream, recorder, start } = await startWorld(t)
        const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
        const page = await pages.open(t, proxy.url)
        const address = upstream.address()
        proxy.answerNext({ status, passes })
        await page.begin('one', address, QUESTION)
        const asked = await upstream.asked(address)
        asked.head()
        asked.end(TEXT)
        await assertWhole(page, 'one', upstream, address)
        const ids = proxy.seen.filter(isStart).map(({ headers }) => headers['durablefetch-request'])
        assert.equal(ids.length, 2)
        assert.equal(ids[0], ids[1], 'one intent, one id')
      })
    }
  }

  for (const status of [502, 504, 523]) {
    await check(`${status} of an intermediary to a continuation: asked again`, async (t) => {
      const { upstream, recorder, start } = await startWorld(t)
      const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
      const page = await pages.open(t, proxy.url)
      const { address, asked } = await half(page, upstream)
      proxy.answerNext({ status })
      proxy.endCleanly()
      await proxy.until(2, isContinuation)
      asked.end(BYTES.subarray(MIDDLE))
      await assertWhole(page, 'one', upstream, address)
    })
  }

  const refusals = [
    { status: 410, code: 'gone', hints: undefined },
    { status: 401, code: 'unauthorized', hints: /'token'/ },
  ]
  for (const { status, code, hints } of refusals) {
    await check(`a continuation is answered ${status} ${code}: what came stays, then that error`, async (t) => {
      const { upstream, recorder, start } = await startWorld(t)
      const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
      const page = await pages.open(t, proxy.url)
      await half(page, upstream)
      const headers = { 'durablefetch-state': 'none', 'durablefetch-error': code, 'content-type': 'application/json' }
      proxy.answerNext({ status, headers, text: JSON.stringify({ error: { code, message: `told: ${code}` } }) })
      proxy.endCleanly()
      const { length, end } = await page.end('one')
      const { hint, ...told } = end
      assert.equal(length, MIDDLE)
      if (hints) assert.match(hint, hints)
      else assert.equal(hint, undefined)
      assert.deepEqual(told, { name: 'DurableFetchError', message: `told: ${code}`, code, status, ours: true })
    })
  }

  await check(
    'a continuation is answered 416, since the recorder died before it had stored what it sent',
    async (t) => {
      const { upstream, recorder, start } = await startWorld(t)
      const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
      const page = await pages.open(t, proxy.url)
      await half(page, upstream)
      const headers = { 'durablefetch-state': 'none', 'durablefetch-error': 'offset-out-of-range' }
      proxy.answerNext({ status: 416, headers, text: '{}' })
      proxy.endCleanly()
      const { length, end } = await page.end('one')
      assert.equal(length, MIDDLE)
      assert.equal(end.code, 'interrupted')
      assert.match(end.message, /^network error: the recorder was restarted/)
    },
  )

  await check('three clients and thirty responses in one page, all cut at once, three times', async (t) => {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const page = await pages.open(t, proxy.url)
    const cuts = (async () => {
      for (const bytes of [500, 3000, 20_000]) await within(30_000, 'a cut', proxy.cutAfter(bytes))
    })()
    const written = []
    for (let at = 0; at < 30; at += 1) {
      if (at % 10 === 0) await page.make({ durablefetchHost: proxy.url, ...OPTIONS })
      const address = upstream.address()
      // A browser has six connections to a host: the seventh answer waits for the first six.
      written.push(
        upstream
          .asked(address)
          .then((asked) => writeAll(asked, 200))
          .then(() => address),
      )
      await page.begin(`number ${at}`, address)
    }
    for (const [at, address] of (await Promise.all(written)).entries()) {
      await assertWhole(page, `number ${at}`, upstream, address)
    }
    await cuts
  })
})
