// A form has to arrive as with the browser's own fetch, and again after a cut: WebKit reads no form back that has a file in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCutProxy } from '../lib/cut-proxy.js'
import { within } from '../lib/deadline.js'
import { startWorld } from '../lib/world.js'
import { startEcho } from './lib/echo.js'
import { inEachEngine } from './lib/page.js'

/** Each makes a body, in the page. */
const BODIES = {
  'an empty form': () => new FormData(),
  'texts, with every kind of line end': () => made(['a', 'one'], ['a', 'two\r\n3\n4\r5\r\r\n\n'], ['', '']),
  'names with quotes, line ends and what is not ASCII': () =>
    made(
      ['q"uo\'te', '1'],
      ['l\nf', '2'],
      ['c\rr', '3'],
      ['b\r\noth', '4'],
      ['näme 名 😀', 'wért'],
      ['half\ud800', '\udc00'],
    ),
  'a file': () => made(['file', new File(['x\ny\r\n'], 'a.txt', { type: 'text/plain' })]),
  'a file without a type, one without bytes, one without a name': () =>
    made(['a', new File(['x'], 'a')], ['b', new File([], 'b.png', { type: 'image/png' })], ['c', new File(['c'], '')]),
  'several files under one name, among texts': () =>
    made(['f', new File(['1'], '1')], ['t', 'text'], ['f', new File(['2'], '2')], ['f', new File(['3'], '1')]),
  'file names with quotes, line ends and what is not ASCII': () =>
    made(
      ...['q"', 'l\nf', 'c\rr', 'b\r\n', 'näme 名 😀.txt', 'a;b=c\\d', '../up'].map((name) => [
        'f',
        new File(['x'], name),
      ]),
    ),
  'Blobs, with and without a name and a type': () =>
    made(
      ['b', new Blob(['x'])],
      ['b', new Blob(['x'], { type: 'text/x; y="z"' })],
      ['b', new Blob(['x']), 'named.bin'],
    ),
  'a file of every byte': () =>
    made(['f', new File([Uint8Array.from({ length: 70_000 }, (_, at) => at % 256)], 'all')]),
  'the form of a page': () => {
    const form = document.createElement('form')
    form.innerHTML = '<input name="t" value="x&#10;y"><textarea name="a">1&#10;2</textarea><input type="file" name="f">'
    return new FormData(form)
  },
  'a file alone': () => new File(['alone'], 'alone.csv', { type: 'text/csv' }),
  'a Blob without a type': () => new Blob(['bytes']),
  'parameters of a URL': () => new URLSearchParams({ a: '1\n2', ü: '&' }),
  'a text': () => 'tëxt',
  bytes: () => Uint8Array.of(0, 128, 255),
}

/** In the page, before all: a form of these entries. */
const define = () => {
  window.made = (...entries) => {
    const form = new FormData()
    for (const entry of entries) form.append(...entry)
    return form
  }
}

/** In the page: sends such a body by the browser's own fetch and by the client's. */
async function both(make, { host, upstream, as }) {
  const { DurableFetchClient } = await import('/node_modules/durablefetch/index.js')
  const df = new DurableFetchClient({ durablefetchHost: host })
  const body = new Function(`return (${make})()`)
  const answers = []
  for (const fetch of [globalThis.fetch, df.fetch]) {
    const address = `${upstream}/?${crypto.randomUUID()}`
    const init = { method: 'POST', body: body() }
    const response = await (as === 'Request' ? fetch(new Request(address, init)) : fetch(address, init))
    answers.push(await response.json())
  }
  return answers
}

/** The boundary is chosen anew for each. */
function withoutBoundary({ type, body }) {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(type)?.[1]
  return boundary
    ? { type: type.replace(boundary, 'B'), body: body.replaceAll(`--${boundary}`, '--B') }
    : { type, body }
}

test('every kind of body arrives byte for byte as with native fetch', async (t) => {
  await inEachEngine(t, async (t, browser, site) => {
    const { recorder, start } = await startWorld(t)
    const echo = await start(startEcho())
    await browser.goto(site)
    await browser.evaluate(define)
    const options = { host: recorder.url, upstream: echo.url }
    for (const [name, make] of Object.entries(BODIES)) {
      await t.test(name, async () => {
        const [native, ours] = await browser.evaluate(both, `${make}`, options)
        assert.deepEqual(withoutBoundary(ours), withoutBoundary(native))
        if (native.type?.startsWith('multipart')) assert.match(native.body, /^--.+--\r\n$/s)
      })
    }

    await t.test('the same in a Request', async () => {
      const sent = browser.evaluate(both, `${BODIES['a file']}`, { ...options, as: 'Request' })
      if (browser.engine !== 'webkit') {
        const [native, ours] = await sent
        return assert.deepEqual(withoutBoundary(ours), withoutBoundary(native))
      }
      // Nobody can read it there, and it cannot be sent to another address unread.
      await assert.rejects(sent, /give the URL and the FormData themselves/)
      const [native, ours] = await browser.evaluate(both, `${BODIES['a file alone']}`, { ...options, as: 'Request' })
      assert.deepEqual(ours, native)
    })
  })
})

test('a form with a file is sent again after a cut', async (t) => {
  await inEachEngine(t, async (t, browser, site) => {
    const { recorder, start } = await startWorld(t)
    const echo = await start(startEcho())
    const proxy = await start(startCutProxy({ targetPort: recorder.port }))
    await browser.goto(site)
    await browser.evaluate(define)
    const known = await browser.evaluate(
      async (host, upstream) => {
        const { DurableFetchClient } = await import('/node_modules/durablefetch/index.js')
        window.df = new DurableFetchClient({ durablefetchHost: host, retry: { initialDelayMs: 20 } })
        return (await window.df.isInProgress(upstream)).protocol
      },
      proxy.url,
      echo.url,
    )
    assert.equal(known, 3)
    const { asked, release } = echo.hold()
    const sent = browser.evaluate(async (upstream) => {
      const body = window.made(['f', new File(['bytes'], 'a.txt')], ['t', 'text'])
      return (await window.df.fetch(`${upstream}/?again`, { method: 'POST', body })).json()
    }, echo.url)
    await within(20_000, 'the upstream is asked', asked)
    proxy.cutNow()
    release()
    const { body } = await sent
    assert.match(
      body,
      /filename="a.txt"\r\nContent-Type: application\/octet-stream\r\n\r\nbytes\r\n--.*text\r\n--.+--\r\n$/s,
    )
    assert.equal(echo.seen.length, 1, 'the recorder knows it again')
  })
})
