// What does not grow: memory and closures over ten thousand fetches, memory of a body that nobody reads.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { startCutProxy } from '../lib/cut-proxy.js'
import { within } from '../lib/deadline.js'
import { listen } from '../lib/listen.js'
import { startPages } from './lib/page.js'
import { startWorld } from '../lib/world.js'

const FETCHES = 10_000
const ROUNDS = 8
const MiB = 2 ** 20

/** Keeps count of what the module has: instances, and what is registered to be dropped, which every closure is. */
function count() {
  window.instances = []
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(target, args) {
      const instance = Reflect.construct(target, args)
      window.instances.push(instance)
      return instance
    },
  })
  window.closures = 0
  window.FinalizationRegistry = class extends FinalizationRegistry {
    constructor(finalise) {
      super((held) => {
        window.closures -= 1
        finalise(held)
      })
    }
    register(...args) {
      window.closures += 1
      super.register(...args)
    }
    unregister(token) {
      const had = super.unregister(token)
      if (had) window.closures -= 1
      return had
    }
  }
}

/** After everything is collected that can be. */
async function measure(page) {
  const cdp = await page.page.context().newCDPSession(page.page)
  for (let turn = 0; turn < 3; turn += 1) {
    await cdp.send('HeapProfiler.collectGarbage')
    // What is finalised is told of in a task of its own.
    await page.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  }
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  await cdp.detach()
  const own = await page.page.evaluate(() => {
    const all = Object.values(window.instances[0].exports)
    const exported = (kind) => all.find((value) => value instanceof kind)
    return {
      instances: window.instances.length,
      wasmBytes: exported(WebAssembly.Memory).buffer.byteLength,
      handles: exported(WebAssembly.Table).length,
      closures: window.closures,
    }
  })
  return { ...own, heap: usedSize }
}

test('flat', async (t) => {
  const pages = await startPages(t)

  await t.test(`${FETCHES} fetches leave memory, handles and closures as they were`, async (t) => {
    const { recorder, start } = await startWorld(t)
    const upstream = await start(startSmallUpstream())
    const page = await pages.open(t, recorder.url, {}, { before: count })
    const rounds = []
    for (let round = 0; round < ROUNDS; round += 1) {
      await page.many(FETCHES / ROUNDS, upstream.url)
      rounds.push(await measure(page))
      t.diagnostic(`after ${(FETCHES / ROUNDS) * (round + 1)}: ${JSON.stringify(rounds.at(-1))}`)
    }
    // The first rounds fill what is kept for ever: caches of the engine, the memory's first pages.
    const [settled, ...later] = rounds.slice(2)
    for (const { heap, ...exact } of later) {
      assert.deepEqual({ ...exact, heap: 0 }, { ...settled, heap: 0 })
      assert.ok(heap - settled.heap < MiB / 2, `the heap of JavaScript grew from ${settled.heap} to ${heap}`)
    }
    assert.equal(settled.instances, 1)
    assert.deepEqual(page.errors, [])
  })

  await t.test('a body that nobody reads makes the network wait, and costs no memory', async (t) => {
    const size = 64 * MiB
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    const page = await pages.open(t, proxy.url, {}, { before: count })
    const address = upstream.address()
    await page.begin('one', address, {}, { held: true })
    const asked = await upstream.asked(address)
    asked.head()
    const piece = Buffer.alloc(MiB, 'x')
    await asked.write(piece)
    await page.page.waitForFunction(() => window.driver.state('one').begun)
    const before = await measure(page)
    for (let written = MiB; written < size; written += MiB) await asked.write(piece)
    asked.end()
    await asked.until('finished')
    const other = await pages.open(t, recorder.url)
    const status = async () => {
      for (;;) {
        const known = await other.call('isInProgress', address)
        if (known.completed) return known
      }
    }
    assert.equal((await within(20_000, 'the recorder has all', status())).bytesStored, size)
    const after = await measure(page)
    assert.ok(proxy.passed() < size / 2, `${proxy.passed()} of ${size} bytes have been taken`)
    assert.ok(after.heap - before.heap < MiB, `the heap of JavaScript grew from ${before.heap} to ${after.heap}`)
    assert.equal(after.wasmBytes, before.wasmBytes)
    t.diagnostic(`${(proxy.passed() / MiB).toFixed(1)} MiB of ${size / MiB} were under way while nobody read`)

    await page.read('one')
    const { length, end } = await page.end('one')
    assert.deepEqual([length, end], [size, 'clean'])
    assert.ok((await measure(page)).closures < before.closures, 'an open body has closures, and they are counted')
    assert.deepEqual(await page.reconnects(), [], 'waiting for a reader is not a stall')
  })
})

/** Says the same few words to everybody. */
async function startSmallUpstream() {
  const server = createServer((_, response) => response.end('the same few words'))
  const { port, stop } = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/words`,
    stop,
  }
}
