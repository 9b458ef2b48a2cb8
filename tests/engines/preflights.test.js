// A page of another origin: what a browser may send there it asks once for each address, and keeps for up to two hours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive } from '../lib/driven.js'
import { startWorld } from '../lib/world.js'
import { startGateway } from './lib/gateway.js'
import { inEachEngine } from './lib/page.js'

test('ten chats, one after the other, cost one preflight for each address', async (t) => {
  await inEachEngine(t, async (t, browser, site) => {
    const { upstream, recorder, start } = await startWorld(t)
    const gateway = await start(startGateway({ targetPort: recorder.port, key: 'k1' }))
    const page = await drive(browser, site, `http://127.0.0.1:${gateway.port}`)
    const headers = { 'x-api-key': 'k1', 'content-type': 'application/json' }
    const chat = async (name, stops) => {
      const address = upstream.address()
      await page.begin(name, address, { method: 'POST', body: JSON.stringify({ name }), headers })
      const answer = await upstream.asked(address)
      answer.head()
      await answer.write(`hello ${name}`)
      await page.until(name, 6 + name.length)
      await page.call('isInProgress', address)
      if (stops) assert.equal((await page.call('stop', address)).success, true)
      else answer.end()
      await page.end(name)
    }
    // Before the first answer it is not known what the recorder is: that goes to the address of its upstream.
    await chat('first', true)
    for (let number = 1; number <= 10; number++) await chat(`chat-${number}`, number % 2 === 0)
    assert.equal(gateway.seen.filter(({ what }) => what === 'POST /fetch').length, 10)
    // A second after its start, Firefox forgets once all that it has kept.
    const most = t.name === 'firefox' ? 2 : 1
    for (const address of ['/fetch', '/in-progress', '/stop', '/continue']) {
      const times = gateway.preflights.filter((url) => url === address).length
      assert.ok(times >= 1 && times <= most, `${address}: ${times} preflights`)
    }
    // Each answer that has come to its end live took one continuation to learn so.
    assert.ok(gateway.seen.filter(({ what }) => what === 'POST /continue').length >= 5)
    const others = gateway.preflights.filter((url) => url.includes('127.0.0.1'))
    assert.ok(others.length <= 1, `beside the first start's: ${others}`)
  })
})
