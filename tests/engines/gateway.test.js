// A gateway wants its key on every request, from a page of another origin: each has to be allowed by a preflight.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCutProxy } from '../lib/cut-proxy.js'
import { startWorld } from '../lib/world.js'
import { startGateway } from './lib/gateway.js'
import { drive } from '../lib/driven.js'
import { inEachEngine } from './lib/page.js'

async function startAll(t, key) {
  const { upstream, recorder, start } = await startWorld(t)
  const gateway = await start(startGateway({ targetPort: recorder.port, key }))
  const proxy = await start(startCutProxy({ targetPort: gateway.port }))
  /** Fetches, reads the first bytes, loses the connection, and reads on. */
  const cutInTheMiddle = async (page, name, address, init) => {
    await page.begin(name, address, init)
    const answer = await upstream.asked(address)
    answer.head()
    await answer.write('one, ')
    await page.until(name, 5)
    proxy.cutNow()
    await answer.write('two')
    const { text } = await page.until(name, 8)
    assert.equal(text, 'one, two')
    return answer
  }
  return { upstream, gateway, proxy, cutInTheMiddle }
}

test("a fetch's own key is on the continuation, Stop, the status and delete", async (t) => {
  await inEachEngine(t, async (t, browser, site) => {
    const { upstream, gateway, proxy, cutInTheMiddle } = await startAll(t, 'k1')
    const page = await drive(browser, site, proxy.url)
    const address = upstream.address()
    const headers = { 'X-Api-Key': 'k1', 'x-tenant': 't', 'if-none-match': '"x"', accept: 'text/plain' }
    const answer = await cutInTheMiddle(page, 'answer', address, { method: 'POST', body: 'question', headers })
    assert.equal((await page.call('isInProgress', address)).inProgress, true)
    assert.equal((await page.call('stop', address)).message, 'Response stopped successfully')
    await answer.until('hung up')
    assert.equal((await page.end('answer')).end, 'clean')
    assert.equal((await page.call('delete', address)).success, true)

    assert.deepEqual(
      gateway.seen.filter(({ refused }) => refused),
      [],
    )
    const [start, ...others] = gateway.seen
    assert.equal(start.headers['if-none-match'], '"x"')
    assert.ok(others.some(({ headers }) => headers['durablefetch-offset'] === '5'))
    for (const what of ['in-progress', 'stop', 'delete'])
      assert.ok(others.some((other) => other.what === `POST /${what}`))
    for (const { headers } of others) {
      assert.deepEqual([headers['x-tenant'], headers.accept], ['t', 'text/plain'])
      assert.equal(headers['if-none-match'], undefined)
    }
  })
})

test("the client's own key is asked for once a response, and anew when the gateway wants another", async (t) => {
  await inEachEngine(t, async (t, browser, site) => {
    const { upstream, gateway, proxy, cutInTheMiddle } = await startAll(t, 'k1')
    const page = await drive(browser, site, proxy.url, { keys: ['k1', 'k2'] })
    const address = upstream.address()
    await page.begin('first', address)
    const first = await upstream.asked(address)
    first.head()
    await first.write('one, ')
    await page.until('first', 5)
    gateway.rotate('k2')
    proxy.cutNow()
    await first.write('two')
    assert.equal((await page.until('first', 8)).text, 'one, two')
    assert.equal(await browser.evaluate(() => window.keysAsked), 2)
    assert.equal(gateway.seen.filter(({ refused }) => refused).length, 1)
    first.end()
    assert.equal((await page.end('first')).end, 'clean')

    const another = upstream.address()
    await cutInTheMiddle(page, 'second', another)
    assert.equal(await browser.evaluate(() => window.keysAsked), 3, 'once for a response of two requests')
    assert.equal((await page.call('stop', another)).success, true)
    assert.equal(gateway.seen.filter(({ refused }) => refused).length, 1)
  })
})
