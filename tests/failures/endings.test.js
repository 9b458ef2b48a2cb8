// Every way in which a recording can end, as the app sees it: the right code, and every byte that there was.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { startCutProxy } from '../lib/cut-proxy.js'
import { HALF, QUESTION, REST, readHalf } from './lib/half.js'
import { offline } from './lib/offline.js'
import { OPTIONS, startPages, assertQuiet } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

const SECRET = 'a secret of thirty-two bytes or a few more'

/** Code → what its message begins with. Frameworks take `network error` for a lost connection, and nothing else. */
const MESSAGES = {
  failed: /^network error: the upstream broke off/,
  interrupted: /^network error: the recorder was restarted/,
  superseded: /^A later request for the same URL/,
  gone: /^(?!.*(network|fetch))/i,
  unauthorized: /^(?!.*(network|fetch))/i,
  network: /^network error: the connection to http:\/\/localhost:\d+ is lost/,
  unreachable: /^network error: no durablefetch recorder answers at http:\/\/localhost:\d+$/,
}

inEachEngine('endings', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  /** A recorder behind a proxy that cuts, and a page with the first half of an answer, or of two. */
  async function inTheMiddle(t, { args, options, names } = {}) {
    const { upstream, recorder, start } = await startWorld(t, { args })
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const other = await pages.open(t, recorder.url)
    // The last one is in front: browsers slow down what nobody looks at.
    const page = await pages.open(t, proxy.url, options)
    return { upstream, recorder, proxy, page, other, ...(await readHalf(page, upstream, { names })) }
  }

  async function assertBroken(page, code, { name = 'one', text: expected = HALF } = {}) {
    const { text, end } = await page.end(name)
    assert.equal(text, expected, 'every byte that there was')
    assert.equal(end.code, code, JSON.stringify(end))
    assert.equal(end.name, 'DurableFetchError')
    assert.equal(end.ours, true)
    assert.match(end.message, MESSAGES[code])
    await assertQuiet(page)
  }

  await check('the upstream breaks off: failed, for every reader, and for who was away', async (t) => {
    const { proxy, page, other, address, asked } = await inTheMiddle(t, { names: ['one', 'two'] })
    proxy.cutNow()
    asked.break()
    await assertBroken(page, 'failed')
    await assertBroken(page, 'failed', { name: 'two' })
    await other.begin('replayed', address, { ...QUESTION, headers: { 'durablefetch-mode': 'replay' } })
    await assertBroken(other, 'failed', { name: 'replayed' })
  })

  await check('the upstream is silent for longer than the recorder waits: failed', async (t) => {
    const { page } = await inTheMiddle(t, { args: ['--idle-timeout', '1s'] })
    await assertBroken(page, 'failed')
  })

  await check('the recording outgrows its limit: failed', async (t) => {
    const { page, asked } = await inTheMiddle(t, { args: ['--max-recording-bytes', '1000'] })
    asked.write(Buffer.alloc(5000, 'x'))
    const { text, end } = await page.end('one')
    assert.ok(text.startsWith(HALF) && text.length <= 1000, `${text.length} bytes`)
    assert.equal(end.code, 'failed')
  })

  await check('the recorder dies: interrupted', async (t) => {
    const { recorder, page } = await inTheMiddle(t)
    await recorder.kill()
    await recorder.restart()
    await assertBroken(page, 'interrupted')
  })

  await check('somebody stops it: a clean end with what there is', async (t) => {
    const { page, other, address, asked } = await inTheMiddle(t)
    assert.equal((await other.call('stop', address)).success, true)
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], [HALF, 'clean'])
    await asked.until('hung up')
  })

  await check("another tab's message takes its place: superseded, and that one has its own answer", async (t) => {
    const { upstream, page, other, address, asked } = await inTheMiddle(t)
    await other.begin('newer', address, { ...QUESTION, headers: { 'durablefetch-mode': 'restart' } })
    await assertBroken(page, 'superseded')
    await asked.until('hung up')
    const second = await upstream.asked(address, 1)
    second.head()
    second.end('the second answer')
    const { text, end } = await other.end('newer')
    assert.deepEqual([text, end], ['the second answer', 'clean'])
  })

  await check('somebody deletes it: gone', async (t) => {
    const { page, other, address } = await inTheMiddle(t)
    await other.call('delete', address)
    await assertBroken(page, 'gone')
  })

  await check('it ends while this page is cut off, and is deleted: gone', async (t) => {
    const { proxy, page, other, address, asked } = await inTheMiddle(t)
    await offline(page, proxy, true)
    proxy.cutNow()
    asked.end('never seen')
    await other.begin('all', address, QUESTION)
    assert.equal((await other.end('all')).end, 'clean')
    await other.call('delete', address)
    await offline(page, proxy, false)
    await assertBroken(page, 'gone')
  })

  for (const renewed of [true, false]) {
    const what = renewed ? 'another is asked for, and it goes on' : 'and so is the next one: unauthorized'
    await check(`its token is refused when it reconnects: ${what}`, async (t) => {
      const { upstream, recorder, start } = await startWorld(t, { args: ['--token-secret', SECRET] })
      const proxy = await start(startCutProxy({ targetPort: recorder.port }))
      const [good, bad] = [tokenOf(SECRET), tokenOf('another secret of thirty-two bytes and more')]
      const page = await pages.open(t, proxy.url, { tokens: renewed ? [good, bad, good] : [good, bad] })
      const { address, asked } = await readHalf(page, upstream)
      proxy.cutNow()
      if (!renewed) return assertBroken(page, 'unauthorized')
      asked.end(REST)
      const { text, end } = await page.end('one')
      assert.deepEqual([text, end], [HALF + REST, 'clean'])
      assert.equal(upstream.count(address), 1)
    })
  }

  await check('the recorder is gone for longer than `giveUpAfterMs`: network', async (t) => {
    const { recorder, page } = await inTheMiddle(t, { options: { retry: { ...OPTIONS.retry, giveUpAfterMs: 2000 } } })
    await recorder.kill()
    await assertBroken(page, 'network')
    assert.ok((await page.reconnects()).length >= 2, 'it was tried more than once')
  })

  await check('the recorder was never there: unreachable', async (t) => {
    const { upstream, recorder } = await startWorld(t)
    await recorder.kill()
    const page = await pages.open(t, recorder.url, { retry: { ...OPTIONS.retry, giveUpAfterMs: 800 } })
    await page.begin('one', upstream.address())
    await assertBroken(page, 'unreachable', { text: '' })
  })
})

inEachEngine('aborting detaches, in each phase', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  async function page(t, options) {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    return { upstream, proxy, page: await pages.open(t, proxy.url, options), address: upstream.address() }
  }

  /** The recording goes on without the reader: it ends, and is whole. */
  async function assertGoesOn({ upstream, page, address, asked }) {
    assert.equal(asked.state, 'open', 'the upstream goes on')
    asked.end(REST)
    await asked.until('finished')
    await page.begin('again', address, QUESTION)
    const { text, end } = await page.end('again')
    assert.deepEqual([text, end], [HALF + REST, 'clean'])
    assert.equal(upstream.count(address), 1)
    await assertQuiet(page)
  }

  await check('before the head has come', async (t) => {
    const { upstream, page: one, address } = await page(t)
    await one.begin('one', address, QUESTION)
    const asked = await upstream.asked(address)
    await one.abort('one', 'enough')
    const { end } = await one.end('one')
    assert.deepEqual([end.name, end.message], ['RangeError', 'enough'], 'the reason itself')
    asked.head()
    asked.write(HALF)
    await assertGoesOn({ upstream, page: one, address, asked })
  })

  for (const how of ['abort', 'cancel']) {
    await check(`in the body: ${how}`, async (t) => {
      const { upstream, page: one } = await page(t)
      const { address, asked } = await readHalf(one, upstream)
      await one[how]('one')
      const { text, end } = await one.end('one')
      assert.equal(text, HALF)
      assert.equal(end.name ?? end, how === 'abort' ? 'AbortError' : 'clean')
      await assertGoesOn({ upstream, page: one, address, asked })
    })
  }

  await check('while it waits to reconnect', async (t) => {
    const {
      upstream,
      proxy,
      page: one,
    } = await page(t, {
      retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
    const { address, asked } = await readHalf(one, upstream)
    await offline(one, proxy, true)
    proxy.cutNow()
    await one.page.until(() => window.reconnects.some(({ attempt }) => attempt > 1))
    await one.abort('one')
    assert.equal((await one.end('one')).end.name, 'AbortError')
    await offline(one, proxy, false)
    await assertGoesOn({ upstream, page: one, address, asked })
  })

  await check('by AbortSignal.timeout', async (t) => {
    const { upstream, page: one, address } = await page(t)
    // Time enough for the request to be sent, on a busy machine too.
    await one.begin('one', address, QUESTION, { abortAfterMs: 2000 })
    const asked = await upstream.asked(address)
    asked.head()
    asked.write(HALF)
    assert.equal((await one.end('one')).end.name, 'TimeoutError')
    await assertGoesOn({ upstream, page: one, address, asked })
  })
})

/** A JWT of somebody. */
function tokenOf(secret) {
  const encoded = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: 'somebody', exp: 4_000_000_000 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signed = encoded.join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
