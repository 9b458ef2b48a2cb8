// Many requests of one URL, with df.fetch as it is: each is given its own answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventSource } from 'eventsource'
import { within } from '../lib/deadline.js'
import { recorderFor } from './lib/beside.js'
import { installOurs } from './lib/ours.js'
import { signal, startScripted } from './lib/scripted.js'

const post = (body, more = {}) => ({ method: 'POST', body, ...more })

/** Reads one chunk and leaves the rest. */
async function firstChunk(response) {
  const { value } = await within(20_000, 'a first chunk', response.body.getReader().read())
  return new TextDecoder().decode(value)
}

const text = async (response) => within(20_000, 'the whole answer', response.text())

test('many requests of one URL', async (t) => {
  const ours = await installOurs(t)
  const { DurableFetchClient } = await ours.load()
  const recorder = await recorderFor(t)
  const client = (options = {}) => new DurableFetchClient({ durablefetchHost: recorder.url, ...options })
  const df = client()

  /** Says what it was asked, and says it to the end when it is let. */
  async function startEcho(t) {
    const gate = signal()
    const upstream = await startScripted(t, async ({ body }, response) => {
      response.write(`${body} begins, `)
      await gate.opened
      response.end(`${body} ends`)
    })
    t.after(gate.open)
    return { ...upstream, release: gate.open }
  }
  const whole = (body) => `${body} begins, ${body} ends`

  // 0.2 gave the second the first one's answer, without a word.
  await t.test('a request that was aborted does not answer the next one', async (t) => {
    const upstream = await startEcho(t)
    const leave = new AbortController()
    const first = await df.fetch(upstream.url, post('first', { signal: leave.signal }))
    assert.equal(await firstChunk(first), 'first begins, ')
    leave.abort()
    const second = await df.fetch(upstream.url, post('second'))
    const again = await df.fetch(upstream.url, post('first'))
    upstream.release()
    assert.equal(await text(second), whole('second'))
    assert.equal(await text(again), whole('first'), 'aborting detaches: the first goes on, for its own request')
    assert.deepEqual(upstream.bodies(), ['first', 'second'])
  })

  await t.test('two requests at once are two answers', async (t) => {
    const upstream = await startEcho(t)
    const asked = ['first', 'second'].map((body) => df.fetch(upstream.url, post(body)))
    const [first, second] = await Promise.all(asked)
    upstream.release()
    assert.deepEqual(await Promise.all([text(first), text(second)]), [whole('first'), whole('second')])
    // They ran side by side: each keeps answering its own request.
    for (const body of ['first', 'second']) {
      assert.equal(await text(await client().fetch(upstream.url, post(body))), whole(body))
    }
    assert.deepEqual(upstream.bodies().sort(), ['first', 'second'])
  })

  await t.test('one of two answers is stopped by its Response; the other goes on', async (t) => {
    const upstream = await startEcho(t)
    const first = await df.fetch(upstream.url, post('first'))
    const second = await df.fetch(upstream.url, post('second'))
    await df.stop(first)
    await upstream.until(0, 'hung up')
    upstream.release()
    assert.deepEqual(await Promise.all([text(first), text(second)]), ['first begins, ', whole('second')])
  })

  // 0.2 said `queued` for ever: the first answer was there, and the request the same.
  await t.test('polling an answer that says no-store sees it change', async (t) => {
    const told = ['queued', 'queued', 'completed']
    const upstream = await startScripted(t, ({ number }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(JSON.stringify({ status: told[number] }))
    })
    const seen = []
    for (const _ of told) seen.push((await (await df.fetch(upstream.url)).json()).status)
    assert.deepEqual(seen, told)
    assert.equal(upstream.requests.length, 3)
  })

  await t.test("reuse: 'live' asks anew once an answer is over, and joins it before", async (t) => {
    const gate = signal()
    t.after(gate.open)
    const upstream = await startScripted(t, async ({ number }, response) => {
      response.write(`answer ${number}`)
      await gate.opened
      response.end()
    })
    const live = client({ reuse: 'live' })
    const both = [await live.fetch(upstream.url), await live.fetch(upstream.url)]
    gate.open()
    assert.deepEqual(await Promise.all(both.map(text)), ['answer 0', 'answer 0'])
    assert.equal(await text(await live.fetch(upstream.url)), 'answer 1')
    assert.equal(await text(await df.fetch(upstream.url)), 'answer 1', 'as by default it is there')
    assert.equal(upstream.requests.length, 2)
  })

  /** One event a request, the one after `last-event-id`; then the stream ends. */
  const startEvents = (t, { named }) =>
    startScripted(t, ({ number, headers }, response) => {
      const next = named ? Number(headers['last-event-id'] ?? 0) + 1 : number + 1
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`retry: 1\n${named ? `id: ${next}\n` : ''}data: event ${next}\n\n`)
    })

  await t.test('last-event-id asks for what comes next', async (t) => {
    const upstream = await startEvents(t, { named: true })
    const after = (id) => ({ headers: { 'last-event-id': id } })
    assert.match(await text(await df.fetch(upstream.url)), /event 1$/m)
    assert.match(await text(await df.fetch(upstream.url, after('1'))), /event 2$/m)
    // Nothing new, and asked again: a server that ends its streams is polled with an id that stays the same.
    assert.match(await text(await df.fetch(upstream.url, after('1'))), /event 2$/m)
    assert.equal(upstream.requests.length, 3)
  })

  /** What an EventSource of the npm package `eventsource` hears, until it has heard this many events. */
  const heard = (df, url, count) => {
    const events = []
    const source = new EventSource(url, { fetch: df.fetch })
    const hearing = new Promise((resolve) => {
      source.addEventListener('message', ({ data }) => {
        if (events.push(data) === count) resolve(events)
      })
    })
    return within(20_000, `${count} events`, hearing).finally(() => source.close())
  }

  await t.test('an EventSource whose server ends its streams hears every event', async (t) => {
    const upstream = await startEvents(t, { named: true })
    assert.deepEqual(await heard(df, upstream.url, 3), ['event 1', 'event 2', 'event 3'])
  })

  await t.test("the same without ids needs reuse: 'live'; by default it hears the first again", async (t) => {
    const upstream = await startEvents(t, { named: false })
    const live = client({ reuse: 'live' })
    assert.deepEqual(await heard(live, upstream.url, 3), ['event 1', 'event 2', 'event 3'])
    const other = await startEvents(t, { named: false })
    assert.deepEqual(await heard(df, other.url, 3), ['event 1', 'event 1', 'event 1'])
  })

  await t.test('like, unlike, like: the upstream is told three times', async (t) => {
    const upstream = await startScripted(t, ({ body, number }, response) => response.end(`${number}: ${body}`))
    const said = []
    for (const body of ['like', 'unlike', 'like']) said.push(await text(await df.fetch(upstream.url, post(body))))
    assert.deepEqual(said, ['0: like', '1: unlike', '2: like'])
    assert.deepEqual(upstream.bodies(), ['like', 'unlike', 'like'])
  })

  const ids = () => Array.from({ length: 25 }, () => crypto.randomUUID())
  const named = (id) => post(`message of ${id}`, { headers: { 'durablefetch-request': id } })

  // 0.2 kept sixteen ids of a key, and ran the others a second time.
  await t.test('twenty-five request ids of one URL, side by side: none runs twice', async (t) => {
    const upstream = await startEcho(t)
    const all = ids()
    const responses = await Promise.all(all.map((id) => df.fetch(upstream.url, named(id))))
    // Another client asks with the same ids, as a page would that never heard the answers.
    const again = await Promise.all(all.map((id) => client().fetch(upstream.url, named(id))))
    upstream.release()
    const expected = all.map((id) => whole(`message of ${id}`))
    assert.deepEqual(await Promise.all(responses.map(text)), expected)
    assert.deepEqual(await Promise.all(again.map(text)), expected)
    const afterwards = await Promise.all(all.map((id) => client().fetch(upstream.url, named(id))))
    assert.deepEqual(await Promise.all(afterwards.map(text)), expected)
    assert.equal(upstream.requests.length, 25)
  })

  await t.test(
    'twenty-five one after the other: what is not kept any more is refused, and runs no second time',
    async (t) => {
      const upstream = await startScripted(t, ({ body }, response) => response.end(body))
      const all = ids()
      for (const id of all) assert.equal(await text(await df.fetch(upstream.url, named(id))), `message of ${id}`)
      const last = all.pop()
      for (const id of all) await assert.rejects(client().fetch(upstream.url, named(id)), { code: 'superseded' })
      assert.equal(await text(await client().fetch(upstream.url, named(last))), `message of ${last}`)
      assert.equal(upstream.requests.length, 25)
    },
  )
})
