// What does not grow: memory and closures over ten thousand fetches, memory of a body that nobody reads.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { startCutProxy } from '../lib/cut-proxy.js'
import { within } from '../lib/deadline.js'
import { listen } from '../lib/listen.js'
import { has } from '../lib/powers.js'
import { startPages, assertQuiet } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

/** Enough for a leak of each to show; Firefox is slower. */
const FETCHES = { chromium: 10_000, firefox: 1_600, webkit: 10_000 }
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
  window.OwnRegistry = FinalizationRegistry
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

/** After everything is collected that can be. The heap only where the driver tells of it. */
async function measure({ page }) {
  const heap = has(page.engine, 'heap') ? await heapOf(page) : await litter(page)
  const own = await page.evaluate(() => {
    const all = Object.values(window.instances[0].exports)
    const exported = (kind) => all.find((value) => value instanceof kind)
    return {
      instances: window.instances.length,
      wasmBytes: exported(WebAssembly.Memory).buffer.byteLength,
      handles: exported(WebAssembly.Table).length,
      closures: window.closures,
    }
  })
  return { ...own, heap }
}

async function heapOf(page) {
  const cdp = await page.native.context().newCDPSession(page.native)
  for (let turn = 0; turn < 3; turn += 1) {
    await cdp.send('HeapProfiler.collectGarbage')
    // What is finalised is told of in a task of its own.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  }
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  await cdp.detach()
  return usedSize
}

/** Nobody can ask these engines to collect: they get reasons to, until they have collected what is dead by now. */
function litter(page) {
  return page.until(async () => {
    const dead = new Promise((resolve) => {
      const registry = new window.OwnRegistry(resolve)
      registry.register({})
      window.kept = registry
    })
    for (let turn = 0; turn < 40; turn += 1) {
      const bytes = new ArrayBuffer(32 << 20)
      new Uint8Array(bytes).fill(1, 0, 4096)
      const collected = await Promise.race([dead.then(() => true), new Promise((resolve) => setTimeout(resolve, 10))])
      if (collected) return 'collected'
    }
  })
}

/**
 * Where nobody can have all of them collected, some closures are always dead and still there, and on a busy machine many: the
 * engine is given time. A leak is one for each fetch, and stays.
 */
async function assertFew(page, most) {
  let { closures } = await measure(page)
  for (let turn = 0; turn < 30 && closures > most; turn += 1) closures = (await measure(page)).closures
  assert.ok(closures <= most, `${closures} closures are left, and not ${most}`)
}

inEachEngine('flat', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  await check('thousands of fetches leave memory, handles and closures as they were', async (t) => {
    const { recorder, start } = await startWorld(t)
    const upstream = await start(startSmallUpstream())
    const page = await pages.open(t, recorder.url, {}, { address: await pages.before(count) })
    const each = FETCHES[engine] / ROUNDS
    const rounds = []
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let done = 0; done < each; done += 100) await page.many(Math.min(100, each - done), upstream.url)
      rounds.push(await measure(page))
      t.diagnostic(`after ${each * (round + 1)}: ${JSON.stringify(rounds.at(-1))}`)
    }
    // The first rounds fill what is kept for ever: caches of the engine, the memory's first pages.
    const [settled, ...later] = rounds.slice(2)
    for (const { heap, closures, ...exact } of later) {
      assert.deepEqual(exact, { instances: 1, wasmBytes: settled.wasmBytes, handles: settled.handles })
      if (has(engine, 'heap'))
        assert.ok(closures <= settled.closures, `${settled.closures} closures have become ${closures}`)
      assertHeap(engine, heap - settled.heap < MiB / 2, `it grew from ${settled.heap} to ${heap}`)
    }
    if (!has(engine, 'heap')) await assertFew(page, settled.closures + each / 2)
    await assertQuiet(page)
  })

  await check(
    'a body that nobody reads makes the network wait, costs no memory, and comes whole once it is read',
    async (t) => {
      const size = 64 * MiB
      const { upstream, recorder, start } = await startWorld(t)
      const proxy = await start(startCutProxy({ targetPort: recorder.port }))
      const page = await pages.open(t, proxy.url, {}, { address: await pages.before(count) })
      const address = upstream.address()
      await page.begin('one', address, {}, { held: true })
      const asked = await upstream.asked(address)
      asked.head()
      const piece = Buffer.alloc(MiB, 'x')
      await asked.write(piece)
      await page.page.until(() => window.driver.state('one').begun)
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
      if (has(engine, 'waiting')) {
        assert.ok(proxy.passed() < size / 2, `${proxy.passed()} of ${size} bytes have been taken`)
      }
      assertHeap(engine, after.heap - before.heap < MiB, `it grew from ${before.heap} to ${after.heap}`)
      assert.equal(after.wasmBytes, before.wasmBytes)
      t.diagnostic(`${(proxy.passed() / MiB).toFixed(1)} MiB of ${size / MiB} were under way while nobody read`)

      await page.read('one')
      const { length, end } = await page.end('one')
      assert.deepEqual([length, end], [size, 'clean'])
      const { closures } = await measure(page)
      if (has(engine, 'heap')) assert.ok(closures < before.closures, 'an open body has closures, and they are counted')
      assert.deepEqual(await page.reconnects(), [], 'waiting for a reader is not a stall')
    },
  )
})

function assertHeap(engine, is, what) {
  if (has(engine, 'heap')) assert.ok(is, `the heap of JavaScript: ${what}`)
}

/** Says the same few words to everybody. */
async function startSmallUpstream() {
  const server = createServer((_, response) => response.end('the same few words'))
  const { port, stop } = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/words`,
    stop,
  }
}
