// Addresses of a recorder that a page can hardly reach as they are written: told at once, with what to write instead.
import assert from 'node:assert/strict'
import { inEachEngine } from '../lib/each-engine.js'
import { has } from '../lib/powers.js'
import { startWorld } from '../lib/world.js'
import { startPages } from './lib/page.js'
import { serveSecurely } from './lib/secure.js'

/** Of the client's own; these errors come long before it would give up. */
const GIVE_UP = { retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 120_000 } }

inEachEngine('addresses', async (t, engine, check) => {
  const pages = await startPages(t, engine)
  const secure = await serveSecurely(t, pages.url)

  for (const host of ['http://recorder.example', 'http://192.0.2.7:8787', 'http://10.0.0.5/df']) {
    await check(`a page of https, and ${host}: mixed content, which the hint says`, async (t) => {
      const page = await pages.open(t, host, GIVE_UP, { address: `${secure}/` })
      await page.begin('one', 'https://api.example/answer')
      const { end } = await page.end('one')
      assert.equal(end.code, 'unreachable')
      assert.match(end.message, /^network error: no durablefetch recorder answers at http:/)
      assert.match(end.hint, /mixed content/)
    })
  }

  await check('a page of https, and a recorder on this machine by http', async (t) => {
    const { upstream, recorder } = await startWorld(t, { args: ['--origin', secure] })
    const page = await pages.open(t, recorder.url, GIVE_UP, { address: `${secure}/` })
    const address = upstream.address()
    await page.begin('one', address)
    if (!has(engine, 'loopback')) {
      const { end } = await page.end('one')
      assert.equal(end.code, 'unreachable')
      return assert.match(end.hint, /mixed content/)
    }
    const asked = await upstream.asked(address)
    asked.head()
    asked.end('all of it')
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], ['all of it', 'clean'])
  })

  await check('loopback without a scheme is https: the hint says what to write', async (t) => {
    const { recorder } = await startWorld(t)
    const page = await pages.open(t, `localhost:${recorder.port}`, GIVE_UP)
    await page.begin('one', 'https://api.example/answer')
    const { end } = await page.end('one')
    assert.equal(end.code, 'unreachable')
    assert.ok(end.hint.includes(`write http://localhost:${recorder.port}`), end.hint)
  })
})
