// The recorder mounted as /df under the app's own origin, with nginx in front.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { startRecorder } from '../lib/recorder.js'
import { startNginx } from '../lib/nginx.js'

const APP = 'app.example'
// As docs/deploy.md has it.
const RECIPE = `
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto https;
  client_max_body_size 32m;
  proxy_read_timeout 1h;`

/** The app: it tells who it was asked as, and sets a cookie. */
async function startApp(t) {
  const asked = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url, headers: request.headers })
    response.setHeader('set-cookie', 'sid=2')
    response.end('from the app')
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { port, asked }
}

/** What `https://app.example` answers, when nginx is at this port. */
async function get(port, path, headers = {}, { method = 'GET', body } = {}) {
  const asking = request({ port, host: '127.0.0.1', path, method, headers: { host: APP, ...headers } })
  asking.end(body)
  const [response] = await once(asking, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, text }
}

async function start(t, args, location = RECIPE) {
  const recorder = await startRecorder({ flags: ['--base-path', '/df', ...args] })
  t.after(() => recorder.stop())
  const nginx = await startNginx({ targetPort: recorder.port, location })
  t.after(() => nginx.stop())
  return { recorder, nginx }
}

test('a recorder that was not told of the proxy refuses what comes through it', async (t) => {
  const app = await startApp(t)
  const { nginx } = await start(t, [])
  const through = await get(nginx.port, `/df/127.0.0.1:${app.port}/`)
  assert.deepEqual([through.status, through.headers['durablefetch-error']], [421, 'misdirected-host'])
  const local = await get(nginx.port, `/df/127.0.0.1:${app.port}/`, { host: 'localhost' })
  assert.deepEqual([local.status, local.headers['durablefetch-error']], [403, 'forwarded-request'])
  assert.match(local.text, /--public-origin/)
  assert.deepEqual(app.asked, [])
})

test('with its public origin and the app mapped it answers, and cookies pass', async (t) => {
  const app = await startApp(t)
  const { nginx } = await start(t, [
    '--public-origin',
    `https://${APP}`,
    '--allow',
    `https://${APP}/api/`,
    '--map',
    `https://${APP}=http://127.0.0.1:${app.port}`,
    '--scope-by',
    'cookie:sid',
  ])
  const url = `https://${APP}/api/chat?x=1`
  const asked = await get(nginx.port, '/df/', { 'durablefetch-url': url, cookie: 'sid=1', origin: `https://${APP}` })
  assert.deepEqual([asked.status, asked.text], [200, 'from the app'])
  assert.deepEqual(asked.headers['set-cookie'], ['sid=2'])
  assert.equal(asked.headers['access-control-allow-origin'], `https://${APP}`)
  assert.equal(app.asked.length, 1)
  assert.equal(app.asked[0].url, '/api/chat?x=1')
  const { host, cookie, 'x-forwarded-for': peer } = app.asked[0].headers
  // nginx listens on a socket of the file system here, so that it has no address to tell: its own is left.
  assert.deepEqual([host, cookie, peer], [APP, 'sid=1', '127.0.0.1'])

  // Mine is there, somebody else's is not, and nobody's is a 401.
  const replay = (headers) =>
    get(nginx.port, '/df/', { 'durablefetch-url': url, 'durablefetch-mode': 'replay', ...headers })
  assert.equal((await replay({ cookie: 'sid=1' })).text, 'from the app')
  assert.equal((await replay({ cookie: 'sid=7' })).status, 404)
  assert.equal((await replay({})).status, 401)
  // What nginx keeps from the public is not to be had through the recorder.
  const admin = await get(nginx.port, '/df/', { 'durablefetch-url': `https://${APP}/admin`, cookie: 'sid=1' })
  assert.deepEqual([admin.status, admin.headers['durablefetch-error']], [403, 'upstream-not-allowed'])
  const itself = await get(nginx.port, '/df/', { 'durablefetch-url': `https://${APP}/df/healthz`, cookie: 'sid=1' })
  assert.equal(itself.status, 508)
  for (const host of ['localhost', '127.0.0.1', 'evil.example']) {
    assert.equal((await get(nginx.port, '/df/healthz', { host })).status, 421, host)
  }
  assert.equal((await get(nginx.port, '/df/healthz', { origin: 'http://localhost:5173' })).status, 403)
  assert.equal((await get(nginx.port, '/df/metrics', { cookie: 'sid=1' })).status, 404)
  assert.equal(app.asked.length, 1)
})

test('a body larger than nginx takes by default gets through, as the recipe has it', async (t) => {
  const { nginx } = await start(t, ['--public-origin', `https://${APP}`, '--allow-any', '--unguessable-urls'])
  const large = await get(
    nginx.port,
    '/df/in-progress',
    {},
    { method: 'POST', body: ' '.repeat((1 << 20) + (1 << 16)) },
  )
  assert.deepEqual([large.status, large.headers['durablefetch-error']], [413, 'request-too-large'])
})

test('a mapped app is told the address that nginx saw, whatever the client says', async (t) => {
  const app = await startApp(t)
  const location = RECIPE.replace('$remote_addr', '"$http_x_forwarded_for, 203.0.113.7"')
  const { nginx } = await start(
    t,
    [
      ...['--public-origin', `https://${APP}`, '--allow', `https://${APP}/api/`, '--unguessable-urls'],
      ...['--map', `https://${APP}=http://127.0.0.1:${app.port}`],
    ],
    location,
  )
  for (const said of [undefined, '6.6.6.6', '127.0.0.1, 6.6.6.6', 'unknown']) {
    const headers = said === undefined ? {} : { 'x-forwarded-for': said }
    const url = `https://${APP}/api/${encodeURIComponent(said)}`
    const asked = await get(nginx.port, '/df/', { ...headers, 'durablefetch-url': url, forwarded: 'for=6.6.6.6' })
    assert.equal(asked.status, 200)
    const seen = app.asked.at(-1).headers
    assert.deepEqual([seen['x-forwarded-for'], seen.forwarded], ['203.0.113.7', undefined])
  }
})

test('an upstream with 40 headers gets through the buffers that nginx has by default', async (t) => {
  const server = createServer((_request, response) => {
    for (let number = 0; number < 40; number++) response.setHeader(`x-upstream-header-${number}`, 'v'.repeat(48))
    response.end('from the app')
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  const other = 'https://other.example'
  const { nginx } = await start(t, [
    ...['--public-origin', `https://${APP}`, '--origin', other, '--unguessable-urls'],
    ...['--allow', `http://127.0.0.1:${port}`],
  ])
  for (const origin of [`https://${APP}`, other]) {
    const headers = { 'durablefetch-url': `http://127.0.0.1:${port}/${encodeURIComponent(origin)}`, origin }
    const asked = await get(nginx.port, '/df/', headers, { method: 'POST', body: '{}' })
    assert.deepEqual([asked.status, asked.text], [200, 'from the app'])
    assert.equal(asked.headers['x-upstream-header-39'].length, 48)
    const exposed = asked.headers['access-control-expose-headers']
    if (origin === other) assert.match(exposed, /durablefetch-state.*x-upstream-header-0/)
    else assert.equal(exposed, undefined)
  }
})
