import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCutProxy } from '../lib/cut-proxy.js'
import { startWorld } from '../lib/world.js'
import { drive, driverOf } from '../lib/driven.js'
import { inEachEngine } from './lib/page.js'

test('a stream survives a reload, goes on at the exact byte after a cut, and stops', async (t) => {
  await inEachEngine(t, async (t, browser, site) => {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const address = upstream.address()
    const before = await drive(browser, site, proxy.url)
    await before.begin('answer', address)
    const answer = await upstream.asked(address)
    answer.head()
    await answer.write('one, ')
    assert.equal((await before.until('answer', 5)).text, 'one, ')

    await browser.reload()
    const page = await driverOf(browser, proxy.url)
    await page.begin('answer', address)
    assert.equal((await page.until('answer', 5)).text, 'one, ', 'what came before the reload')
    await answer.write('two, ')
    assert.equal((await page.until('answer', 10)).text, 'one, two, ')
    proxy.cutNow()
    await answer.write('three')
    await page.until('answer', 15)
    const reconnects = await page.reconnects()
    assert.ok(reconnects.some(({ phase, offset }) => phase === 'connected' && offset === 10))

    assert.equal((await page.call('stop', address)).success, true)
    const { text, end } = await page.end('answer')
    assert.deepEqual({ text, end }, { text: 'one, two, three', end: 'clean' })
    await answer.until('hung up')
    assert.equal(upstream.count(address), 1)
    assert.deepEqual(
      (await browser.console()).filter((line) => line.startsWith('uncaught')),
      [],
    )
    assert.ok((await browser.screenshot()).subarray(1, 4).equals(Buffer.from('PNG')))
  })
})
