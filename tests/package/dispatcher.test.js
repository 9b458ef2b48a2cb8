// What only this platform knows in an init says how to get there: it is on every request of a response.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startCutProxy } from '../lib/cut-proxy.js'
import { startWorld } from '../lib/world.js'
import { freshProject } from './lib/project.js'

// Node's own: the package undici has others, which not every Node takes.
const inner = () => globalThis[Symbol.for('undici.globalDispatcher.1')]

/** A dispatcher as an app brings it along, for a proxy or a certificate of its own. It counts. */
function counting() {
  const seen = []
  const dispatch = (options, handler) => {
    seen.push(`${options.method} ${options.path.split('?')[0]}`)
    return inner().dispatch(options, handler)
  }
  return { seen, dispatch }
}

test("undici's dispatcher is on the start, the continuation, and what is asked about the response", async (t) => {
  const { upstream, recorder, start } = await startWorld(t)
  const proxy = await start(startCutProxy({ targetPort: recorder.port }))
  const { dir } = await freshProject(t, 'node')
  const { DurableFetchClient } = await import(pathToFileURL(join(dir, 'node_modules/durablefetch/index.js')).href)
  const df = new DurableFetchClient({ durablefetchHost: proxy.url, retry: { initialDelayMs: 20 } })

  for (const made of [(dispatcher) => ({ dispatcher }), (dispatcher) => Object.create({ dispatcher })]) {
    const dispatcher = counting()
    const address = upstream.address()
    const responding = df.fetch(address, made(dispatcher))
    const answer = await upstream.asked(address)
    answer.head()
    await answer.write('one, ')
    const response = await responding
    const reader = response.body.getReader()
    const text = async () => Buffer.from((await reader.read()).value).toString()
    assert.equal(await text(), 'one, ')
    const before = dispatcher.seen.length
    proxy.cutNow()
    await answer.write('two')
    assert.equal(await text(), 'two')
    const { host, pathname } = new URL(address)
    const starts = (one) => one.startsWith('GET /') && one.endsWith(`/${host}${pathname}`)
    const seen = `${dispatcher.seen}`
    assert.ok(before > 0 && dispatcher.seen.slice(0, before).every(starts), seen)
    const continuations = dispatcher.seen.slice(before)
    assert.ok(continuations.length > 0 && continuations.every((one) => one === 'POST /continue'), seen)

    assert.equal((await df.stop(response)).success, true)
    assert.equal(dispatcher.seen.at(-1), 'POST /stop')
    assert.equal((await reader.read()).done, true)
    // On a server nobody knows whose the last request of a URL was.
    const asked = dispatcher.seen.length
    assert.equal((await df.isInProgress(address)).state, 'stopped')
    assert.equal((await df.isInProgress(address, { dispatcher })).state, 'stopped')
    assert.deepEqual(dispatcher.seen.slice(asked), ['POST /in-progress'])
  }
})
