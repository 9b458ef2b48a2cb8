// What pages of other sites can do with the recorder on this machine: nothing.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { launchBrowser } from '../lib/browser.js'
import { listen } from '../lib/listen.js'
import { startKillableRecorder } from '../lib/killable-recorder.js'

const SECRET = 'the secret of this machine'

/** An upstream on this machine whose page would tell on itself if its script ran. */
async function startUpstream(t) {
  const asked = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.setHeader('content-type', 'text/html')
    response.end(`<title>as it was</title><p>${SECRET}</p>
      <script>document.title = 'it ran'; fetch('/in-progress', { method: 'POST', body: '{}' }); new Image().src = '/ran'</script>
      <img src="x" onerror="document.title = 'it ran'">`)
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { authority: `127.0.0.1:${port}`, asked }
}

async function start(t) {
  const upstream = await startUpstream(t)
  const recorder = await startKillableRecorder()
  t.after(() => recorder.stop())
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const recorded = await fetch(`${recorder.url}/${upstream.authority}/page`)
  assert.match(await recorded.text(), new RegExp(SECRET))
  return { upstream, recorder, browser }
}

/** Everything that a page can ask of this origin, and what of it the page could read. */
const ATTEMPTS = async ({ origin, authority }) => {
  const body = JSON.stringify({ url: `http://${authority}/page` })
  const attempts = [
    ['/', {}],
    ['/healthz', {}],
    ['/metrics', {}],
    ['/demo/x', {}],
    [`/${authority}/page`, {}],
    [`/${authority}/page`, { headers: { 'durablefetch-mode': 'replay' } }],
    [`/${authority}/page`, { mode: 'no-cors' }],
    ['/', { headers: { 'durablefetch-url': `http://${authority}/page` } }],
    ['/in-progress', { method: 'POST', body }],
    ['/stop', { method: 'POST', body }],
    ['/delete', { method: 'POST', body }],
    ['/delete', { method: 'POST', body, mode: 'no-cors' }],
  ]
  const read = []
  for (const [path, init] of attempts) {
    try {
      const response = await fetch(origin + path, init)
      read.push({ path, status: response.status, text: await response.text() })
    } catch (error) {
      read.push({ path, status: 0, text: String(error) })
    }
  }
  return read
}

function readsNothing(read, status) {
  assert.equal(read.length, 12)
  for (const { path, status: got, text } of read) {
    assert.ok(got === 0 || got === status, `${path}: ${got} ${text}`)
    assert.doesNotMatch(text, /secret of this|event|bytesStored|durablefetch_|success/, path)
  }
}

test('a page that binds its own name to this machine (DNS rebinding) reads nothing', async (t) => {
  const { upstream, recorder } = await start(t)
  const browser = await launchBrowser({ args: ['--no-sandbox', '--host-resolver-rules=MAP evil.example 127.0.0.1'] })
  t.after(() => browser.close())
  const page = await browser.newPage()
  const origin = `http://evil.example:${recorder.port}`
  // The page comes from the attacker's server, on this port, before the name leads to the recorder. It is on this machine
  // too, so that it is not Chromium which keeps a public page from a local address.
  await recorder.kill()
  const lure = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>lure</title>'))
  const { stop } = await listen(lure, { port: recorder.port })
  await page.goto(`${origin}/lure`)
  await stop()
  await recorder.restart()
  assert.equal(await page.title(), 'lure')
  const read = await page.evaluate(ATTEMPTS, { origin, authority: upstream.authority })
  readsNothing(read, 421)
  assert.ok(
    read.every(({ status }) => status === 421),
    `all of it reached the recorder, which refused: ${JSON.stringify(read)}`,
  )
  const navigated = await page.goto(`${origin}/${upstream.authority}/page`)
  assert.equal(navigated.status(), 421)
  assert.doesNotMatch(await page.content(), /secret of this/)
  // Nothing was stopped or deleted, and nothing was asked again.
  const still = await fetch(`${recorder.url}/${upstream.authority}/page`, {
    headers: { 'durablefetch-mode': 'replay' },
  })
  assert.match(await still.text(), new RegExp(SECRET))
  assert.deepEqual(upstream.asked, ['/page'])
})

test('a page of another site reads nothing and changes nothing', async (t) => {
  const { upstream, recorder, browser } = await start(t)
  const page = await browser.newPage()
  await page.route('https://evil.example/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>lure</title>' }),
  )
  await page.goto('https://evil.example/')
  const read = await page.evaluate(ATTEMPTS, {
    origin: `http://127.0.0.1:${recorder.port}`,
    authority: upstream.authority,
  })
  readsNothing(read, 0)
  const still = await fetch(`${recorder.url}/${upstream.authority}/page`, {
    headers: { 'durablefetch-mode': 'replay' },
  })
  assert.match(await still.text(), new RegExp(SECRET))
  assert.deepEqual(upstream.asked, ['/page'])
})

test('a page of another site that navigates to a proxied page runs nothing there', async (t) => {
  const { upstream, recorder, browser } = await start(t)
  const context = await browser.newContext()
  const lure = `http://127.0.0.1:${recorder.port}/${upstream.authority}/page`
  await context.route('http://evil.example/**', (route) =>
    route.fulfill({ contentType: 'text/html', body: `<a href="${lure}">here</a><iframe src="${lure}"></iframe>` }),
  )
  const page = await context.newPage()
  await page.goto('http://evil.example/')
  const answered = page.waitForResponse(lure)
  await page.getByRole('link').click()
  const response = await answered
  await page.waitForURL(lure)
  // Whether it is refused or shown, what it shows is inert.
  if (response.status() === 200) assert.equal(response.headers()['content-security-policy'], 'sandbox')
  else assert.equal(response.status(), 403)
  assert.notEqual(await page.title(), 'it ran')

  // One that somebody opens by hand is shown, and does nothing.
  const opened = await context.newPage()
  const shown = await opened.goto(lure)
  assert.equal(shown.status(), 200)
  assert.match(await opened.content(), new RegExp(SECRET))
  assert.equal(await opened.title(), 'as it was')
  // A navigation accepts something else than the fetch that recorded it did: it is a request of its own.
  assert.deepEqual(upstream.asked, ['/page', '/page'], 'no script of it has asked for anything')
})
