// Addresses of a recorder that a page can hardly reach as they are written: told at once, with what to write instead.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPages } from './lib/page.js'
import { startWorld } from '../lib/world.js'

/** Of the client's own; these errors come long before it would give up. */
const GIVE_UP = { retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 120_000 } }
const SITE = 'https://site.example'

test('addresses', async (t) => {
  const pages = await startPages(t)
  /** The page as if it came from this site. */
  const prepare = (context) =>
    context.route(`${SITE}/**`, async (route) => {
      const { pathname } = new URL(route.request().url())
      await route.fulfill({ response: await route.fetch({ url: pages.url + pathname }) })
    })

  for (const host of ['http://recorder.example', 'http://192.0.2.7:8787', 'http://10.0.0.5/df']) {
    await t.test(`a page of https, and ${host}: mixed content, which the hint says`, async (t) => {
      const page = await pages.open(t, host, GIVE_UP, { address: `${SITE}/`, prepare })
      await page.begin('one', 'https://api.example/answer')
      const { end } = await page.end('one')
      assert.equal(end.code, 'unreachable')
      assert.match(end.message, /^network error: no durablefetch recorder answers at http:/)
      assert.match(end.hint, /mixed content/)
    })
  }

  await t.test('a page of https, and a recorder on this machine by http: no mixed content, and it works', async (t) => {
    const { upstream, recorder } = await startWorld(t, { args: ['--origin', SITE] })
    const page = await pages.open(t, recorder.url, GIVE_UP, {
      address: `${SITE}/`,
      // What a person answers when Chromium asks.
      prepare: (context) => Promise.all([prepare(context), context.grantPermissions(['local-network-access'])]),
    })
    const address = upstream.address()
    await page.begin('one', address)
    const asked = await upstream.asked(address)
    asked.head()
    asked.end('all of it')
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], ['all of it', 'clean'])
  })

  await t.test('loopback without a scheme is https: the hint says what to write', async (t) => {
    const { recorder } = await startWorld(t)
    const page = await pages.open(t, `localhost:${recorder.port}`, GIVE_UP)
    await page.begin('one', 'https://api.example/answer')
    const { end } = await page.end('one')
    assert.equal(end.code, 'unreachable')
    assert.ok(end.hint.includes(`write http://localhost:${recorder.port}`), end.hint)
  })
})
