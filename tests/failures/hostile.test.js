// What answers at the recorder's address means ill. Whatever it says, the app gets an end or an error in time, nothing
// that was not said, and no request that it did not make; what the page has (its key, its prompt) goes nowhere else.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { within } from '../lib/deadline.js'
import { listen } from '../lib/listen.js'
import { startPages, assertQuiet } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const OTHER = '01BX5ZZKBKACTAV9WEVGEMMVRZ'
const ADDRESS = 'http://127.0.0.1:9/answer'
const KEY = 'Bearer sk-of-the-app'
const QUESTION = { method: 'POST', headers: { authorization: KEY }, body: '{"question":"Why?"}' }
/** More requests than this for one response are a storm. */
const ENOUGH = 200

const live = (more = {}) => ({
  'durablefetch-state': 'streaming',
  'durablefetch-recording': ID,
  'durablefetch-offset': '0',
  ...more,
})
const done = (length, more) =>
  live({ 'durablefetch-state': 'complete', 'durablefetch-length': String(length), ...more })

/** A recorder that answers with what `say` writes; what it was asked is kept. */
async function startLiar(t, say) {
  const seen = []
  const server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    const { origin = '*' } = request.headers
    const cors = {
      'access-control-allow-origin': origin,
      'access-control-allow-headers':
        request.headers['access-control-request-headers'] ?? 'durablefetch-request, durablefetch-mode',
      'access-control-expose-headers': '*',
      'cache-control': 'no-store',
    }
    if (request.method === 'OPTIONS') return response.writeHead(204, cors).end()
    const entry = { method: request.method, url: request.url, headers: request.headers }
    seen.push(entry)
    const head = (status, headers) => response.writeHead(status, { ...cors, ...headers })
    request.resume()
    say({ number: seen.length - 1, request: entry, response, head })
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { url: `http://localhost:${port}`, seen }
}

const cut = (response) => setImmediate(() => response.socket?.resetAndDestroy())

inEachEngine('hostile recorders', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  /** What the app gets of a recorder that answers so. */
  async function asked(t, say) {
    const liar = await startLiar(t, say)
    const retry = { initialDelayMs: 5, maxDelayMs: 50, giveUpAfterMs: 3_000 }
    const page = await pages.open(t, liar.url, { retry })
    await page.begin('one', ADDRESS, QUESTION)
    const told = await page.end('one')
    assert.ok(liar.seen.length < ENOUGH, `${liar.seen.length} requests`)
    await assertQuiet(page)
    return { ...told, seen: liar.seen }
  }

  const lies = {
    'a length that is shorter than what comes': ({ head }) => head(200, done(3)).end('three'),
    'a length that is longer, and a clean end, again and again': ({ head }) => head(200, done(1 << 30)).end('three'),
    'a length that no number holds': ({ head }) => head(200, done('9'.repeat(400))).end('three'),
    'a negative length': ({ head }) => head(200, done(-1)).end('three'),
    'a live body that ends, and never goes on': ({ head }) => head(200, live()).end('three'),
    'another recording when it is asked for the rest': ({ number, head, response }) => {
      head(
        200,
        live({ 'durablefetch-recording': number === 0 ? ID : OTHER, 'durablefetch-offset': number === 0 ? '0' : '5' }),
      )
      response.write('three', () => cut(response))
    },
    'another place when it is asked for the rest': ({ number, head, response }) => {
      head(200, live({ 'durablefetch-offset': number === 0 ? '0' : '2' }))
      response.write('three', () => cut(response))
    },
    'a place beyond all numbers': ({ head, response }) => {
      head(200, live({ 'durablefetch-offset': '1'.repeat(30) })).end('three')
      response.end()
    },
    'states that are none': ({ head }) => head(200, live({ 'durablefetch-state': 'to-come' })).end('three'),
    'an id that is none': ({ head }) => head(200, live({ 'durablefetch-recording': '../../x' })).end('three'),
    'a page of HTML': ({ head }) => head(200, { 'content-type': 'text/html' }).end('<html>'),
    'an error of HTML, for ever': ({ head }) => head(503, { 'content-type': 'text/html' }).end('<html>'),
    'a code that is none': ({ head }) => head(500, { 'durablefetch-error': 'to-come' }).end('{}'),
    'an error whose body is not what it says': ({ head }) =>
      head(409, { 'durablefetch-error': 'mismatch', 'content-type': 'application/json' }).end('[{"error":7}'),
    'a retry-after without an end': ({ head }) =>
      head(503, { 'durablefetch-error': 'too-many-recordings', 'retry-after': '9'.repeat(30) }).end('{}'),
    '1,000 headers': ({ head }) =>
      head(200, done(3, Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`x-${at}`, 'y'])))).end('abc'),
    'no answer at all': ({ response }) => cut(response),
  }
  for (const [what, say] of Object.entries(lies)) {
    await check(`${what}: an end or an error in time, and no storm`, async (t) => {
      const { text, end, seen } = await asked(t, say)
      if (end === 'clean') assert.match(text, /^(three|abc|<html>|\{\}|\[.*)?$/, 'what was said, once')
      else assert.equal(typeof (end.code ?? end.name ?? end.message), 'string', JSON.stringify(end))
      // One intent to start has one id, however often it is sent.
      const ids = seen.map(({ headers }) => headers['durablefetch-request']).filter((id) => id !== undefined)
      assert.equal(new Set(ids).size, 1)
    })
  }

  await check(
    'a live body that is cut again and again without a byte: it is asked for at intervals, for ever',
    async (t) => {
      const MANY = 30
      let reach
      const reached = new Promise((resolve) => {
        reach = resolve
      })
      const liar = await startLiar(t, ({ number, head, response }) => {
        head(200, live())
        response.flushHeaders()
        cut(response)
        if (number === MANY) reach()
      })
      const page = await pages.open(t, liar.url, { retry: { initialDelayMs: 5, maxDelayMs: 50, giveUpAfterMs: 3_000 } })
      const since = performance.now()
      await page.begin('one', ADDRESS, QUESTION)
      await within(30_000, `${MANY} requests`, reached)
      const took = performance.now() - since
      assert.ok(took > MANY * 15, `${MANY} requests in ${took} ms are a storm`)
      const { text, end } = await page.state('one')
      assert.deepEqual([text, end], ['', undefined])
    },
  )

  await check('a body that is short of its length is not a clean end', async (t) => {
    const { end } = await asked(t, lies['a length that is longer, and a clean end, again and again'])
    assert.notEqual(end, 'clean')
  })

  await check('bytes of another recording are not put behind those of this one', async (t) => {
    let first
    const liar = await startLiar(t, ({ number, head, response }) => {
      head(200, live(number > 0 ? { 'durablefetch-recording': OTHER, 'durablefetch-offset': '5' } : {}))
      response.write('three')
      first ??= response
    })
    const page = await pages.open(t, liar.url, { retry: { initialDelayMs: 5, maxDelayMs: 50, giveUpAfterMs: 3_000 } })
    await page.begin('one', ADDRESS, QUESTION)
    await page.until('one', 5)
    cut(first)
    const { text, end } = await page.end('one')
    assert.equal(text, 'three')
    assert.notEqual(end, 'clean')
  })

  for (const status of [301, 302, 303, 307, 308]) {
    await check(`${status} to elsewhere: key and prompt do not follow`, async (t) => {
      const elsewhere = await startLiar(t, ({ head }) => head(200, done(3)).end('abc'))
      const { end } = await asked(t, ({ head }) => head(status, { location: `${elsewhere.url}/stolen` }).end())
      assert.notEqual(end, 'clean')
      assert.deepEqual(elsewhere.seen, [])
    })
  }
})
