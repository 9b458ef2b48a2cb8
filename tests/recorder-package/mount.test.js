// The mount in a Node server: what goes through it arrives as it was sent, and a cut as a cut.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createServer2 } from 'node:http2'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { TEMPLATE } from './lib/process.js'

const { mount } = await import(`${TEMPLATE}/lib/mount.js`)

/** A server that mounts what `answer` answers below /df. */
async function mounted(t, answer, { make = createServer } = {}) {
  const behind = await listen(createServer(answer))
  t.after(behind.stop)
  const middleware = mount('/df', async () => `http://127.0.0.1:${behind.port}`)
  const front = make((req, res) => middleware(req, res, () => res.end('the app')))
  const { port, stop } = await listen(front)
  t.after(stop)
  return `http://127.0.0.1:${port}`
}

const echo = (req, res) => {
  const chunks = []
  req.on('data', (chunk) => chunks.push(chunk))
  req.on('end', () => {
    const { url, method, headers } = req
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ url, method, headers, body: Buffer.concat(chunks).toString() }))
  })
}

test('a request goes on without the base, with body and headers', async (t) => {
  const at = await mounted(t, echo)
  const answer = await (
    await fetch(`${at}/df/http://x/y?z=1`, { method: 'PUT', body: 'b', headers: { a: '1' } })
  ).json()
  assert.equal(answer.url, '/http://x/y?z=1')
  assert.deepEqual([answer.method, answer.body, answer.headers.a], ['PUT', 'b', '1'])
  assert.equal(answer.headers.host, new URL(at).host)
  assert.equal(answer.headers['x-forwarded-host'], new URL(at).host)
  assert.equal(answer.headers['x-forwarded-proto'], 'http')
  assert.equal(answer.headers['x-forwarded-for'], '127.0.0.1')
})

test('what is not below the base is the app’s', async (t) => {
  const at = await mounted(t, echo)
  for (const [path, theirs] of [
    ['/', false],
    ['/dfx', false],
    ['/x/df', false],
    ['/df', '/'],
    ['/df?a', '/?a'],
    ['/df/in-progress', '/in-progress'],
  ]) {
    const text = await (await fetch(at + path)).text()
    if (theirs) assert.equal(JSON.parse(text).url, theirs, path)
    else assert.equal(text, 'the app', path)
  }
})

test('the head comes before the body, and bytes as they come', async (t) => {
  let response
  const at = await mounted(t, (_, res) => {
    response = res
    res.writeHead(200, { 'content-type': 'text/plain' })
    res.flushHeaders()
  })
  const { body } = await fetch(`${at}/df/`)
  const reader = body.getReader()
  for (const chunk of ['a', 'b']) {
    response.write(chunk)
    assert.equal(Buffer.from((await reader.read()).value).toString(), chunk)
  }
  response.end()
  assert.equal((await reader.read()).done, true)
})

test('a cut is a cut, with a length and without', async (t) => {
  for (const headers of [{}, { 'content-length': '10' }]) {
    const at = await mounted(t, (_, res) => {
      res.writeHead(200, headers)
      res.write('half', () => res.destroy())
    })
    await assert.rejects(fetch(`${at}/df/`).then((answer) => answer.text()))
  }
})

test('a reader that leaves is told to the recorder', async (t) => {
  let left
  const at = await mounted(t, (_, res) => {
    left = once(res, 'close')
    res.writeHead(200)
    res.write('a')
  })
  const controller = new AbortController()
  const { body } = await fetch(`${at}/df/`, { signal: controller.signal })
  await body.getReader().read()
  controller.abort()
  await left
})

test('over HTTP/2, without what only HTTP/1 has', async (t) => {
  const at = await mounted(
    t,
    (req, res) => {
      res.setHeader('connection', 'keep-alive')
      res.setHeader('transfer-encoding', 'chunked')
      res.end(req.headers.host)
    },
    { make: createServer2 },
  )
  const session = connect(at)
  const stream = session.request({ ':path': '/df/' })
  const [head] = await once(stream, 'response')
  assert.equal(head[':status'], 200)
  const chunks = await stream.toArray()
  session.destroy()
  assert.equal(Buffer.concat(chunks).toString(), new URL(at).host)
})

test('a recorder that cannot be reached is 502 with the reason', async (t) => {
  const middleware = mount('/df', () => Promise.reject(new Error('it does not start')))
  const { port, stop } = await listen(createServer((req, res) => middleware(req, res, () => {})))
  t.after(stop)
  const answer = await fetch(`http://127.0.0.1:${port}/df/`)
  assert.equal(answer.status, 502)
  assert.match(await answer.text(), /it does not start/)
})
