// The recorder behind nginx with the settings that it has when nobody changes any: HTTP/1.0 towards the recorder, where
// the end of a connection is the end of a body.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { within } from '../lib/deadline.js'
import { HALF, REST, readHalf } from './lib/half.js'
import { startHttpProxy } from './lib/http-proxy.js'
import { NGINX, startNginx } from '../lib/nginx.js'
import { startPages } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

const QUESTION = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"question":"Why?"}' }
const isStart = ({ method, headers }) => method === 'POST' && headers['durablefetch-request'] !== undefined

inEachEngine('nginx', async (t, engine, check) => {
  t.diagnostic(spawnSync(NGINX, ['-v'], { encoding: 'utf8' }).stderr.trim())
  const pages = await startPages(t, engine)

  /** nginx in front of the recorder, a proxy in front of nginx that tells what passes, and a page. */
  async function watchedNginx(t, location) {
    const { upstream, recorder, start } = await startWorld(t)
    const nginx = await start(startNginx({ targetPort: recorder.port, location }))
    const watched = await start(startHttpProxy({ targetPort: nginx.port }))
    const page = await pages.open(t, watched.url)
    const address = upstream.address()
    const ask = () => page.begin('one', address, QUESTION)
    return { upstream, recorder, nginx, watched, page, address, ask }
  }

  /** nginx in front of the recorder, and a page whose response is in its middle. */
  async function inTheMiddle(t) {
    const { upstream, recorder, start } = await startWorld(t)
    const nginx = await start(startNginx({ targetPort: recorder.port }))
    const page = await pages.open(t, nginx.url)
    // It streams: nothing waits in a buffer of nginx.
    return { upstream, recorder, nginx, page, ...(await readHalf(page, upstream, { question: QUESTION })) }
  }

  await check('an answer streams through it and ends', async (t) => {
    const { upstream, page, address, asked } = await inTheMiddle(t)
    asked.end(REST)
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], [HALF + REST, 'clean'])
    assert.equal(upstream.count(address), 1)
    assert.deepEqual(await page.reconnects(), [])
  })

  await check('the connection to it is cut: the answer goes on', async (t) => {
    const { upstream, nginx, page, address, asked } = await inTheMiddle(t)
    nginx.cutNow()
    asked.end(REST)
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], [HALF + REST, 'clean'])
    assert.equal(upstream.count(address), 1)
  })

  await check('the upstream breaks off: an error after what came, and no end', async (t) => {
    const { page, asked } = await inTheMiddle(t)
    asked.break()
    const { text, end } = await page.end('one')
    assert.equal(text, HALF)
    assert.equal(end.code, 'failed')
  })

  await check('the recorder is killed, which nginx takes for an end: `interrupted`, and no end', async (t) => {
    const { recorder, page } = await inTheMiddle(t)
    await recorder.kill()
    await recorder.restart()
    const { text, end } = await page.end('one')
    assert.equal(text, HALF)
    assert.equal(end.code, 'interrupted')
  })

  await check('somebody deletes the recording: `gone`', async (t) => {
    const { page, address } = await inTheMiddle(t)
    await page.call('delete', address)
    const { text, end } = await page.end('one')
    assert.equal(text, HALF)
    assert.equal(end.code, 'gone')
  })

  await check('504: the upstream takes longer than nginx waits; the same id again, run once', async (t) => {
    const { upstream, nginx, watched, page, address, ask } = await watchedNginx(t, 'proxy_read_timeout 1s;')
    await ask()
    const asked = await upstream.asked(address)
    await watched.until(3, isStart)
    assert.match(nginx.log(), /upstream timed out/)
    asked.head()
    asked.end(HALF)
    assert.deepEqual(await page.end('one'), { ...(await page.state('one')), text: HALF, end: 'clean' })
    assert.equal(upstream.count(address), 1, 'the upstream ran once')
    assert.equal(new Set(watched.seen.filter(isStart).map(({ headers }) => headers['durablefetch-request'])).size, 1)
  })

  await check('nginx gives up on a silent body: it goes on, run once', async (t) => {
    const { upstream, watched, page, address, ask } = await watchedNginx(t, 'proxy_read_timeout 1s;')
    await ask()
    const asked = await upstream.asked(address)
    asked.head()
    asked.write(HALF)
    await watched.until(2, ({ headers }) => headers['durablefetch-offset'] === String(HALF.length))
    asked.end(REST)
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], [HALF + REST, 'clean'])
    assert.equal(upstream.count(address), 1)
  })

  await check('502: no recorder runs yet; 503: nginx is told to say so; then it runs once', async (t) => {
    const location = 'if (-f $document_root/fail) { return 503; } root DIR;'
    const { upstream, recorder, nginx, watched, page, address, ask } = await watchedNginx(t, location)
    await recorder.kill()
    await ask()
    await watched.until(2, ({ status }) => status === 502)
    await nginx.fail(true)
    await watched.until(2, ({ status }) => status === 503)
    await recorder.restart()
    await nginx.fail(false)
    const asked = await upstream.asked(address)
    asked.head()
    asked.end(HALF)
    const { text, end } = await within(30_000, 'the end', page.end('one'))
    assert.deepEqual([text, end], [HALF, 'clean'])
    assert.equal(upstream.count(address), 1, 'the upstream ran once')
  })
})
