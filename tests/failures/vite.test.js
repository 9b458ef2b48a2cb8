// The recorder under the page's own origin, behind the proxy of Vite's dev server. It swallows the reset of what it
// asks: a body that breaks there just stays silent.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from '../../examples/chat/node_modules/vite/dist/node/index.js'
import { startCutProxy } from '../lib/cut-proxy.js'
import { startHttpProxy } from './lib/http-proxy.js'
import { startPages } from './lib/page.js'
import { inEachEngine } from '../lib/each-engine.js'
import { startWorld } from '../lib/world.js'

const { version } = JSON.parse(
  readFileSync(new URL('../../examples/chat/node_modules/vite/package.json', import.meta.url), 'utf8'),
)
const HALF = 'the first half, '
const REST = 'and the rest'

/** Vite serves the page, and the recorder at `/df`. */
async function startVite({ root, recorderPort }) {
  const target = `http://127.0.0.1:${recorderPort}`
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    clearScreen: false,
    server: {
      host: '127.0.0.1',
      port: 0,
      hmr: false,
      watch: null,
      proxy: { '/df': { target, rewrite: (path) => path.slice('/df'.length) || '/' } },
    },
  })
  await server.listen()
  return { url: `http://localhost:${server.httpServer.address().port}/`, stop: () => server.close() }
}

inEachEngine('Vite', async (t, engine, check) => {
  t.diagnostic(`Vite ${version}`)
  const pages = await startPages(t, engine)

  async function inTheMiddle(t) {
    const { upstream, recorder, start } = await startWorld(t)
    const behind = await start(startCutProxy({ targetPort: recorder.port }))
    const vite = await start(startVite({ root: pages.dir, recorderPort: behind.port }))
    const page = await pages.open(t, '/df', { stallAfterMs: 1000 }, { address: vite.url })
    const address = upstream.address()
    await page.begin('one', address, { method: 'POST', body: 'Why?' })
    const asked = await upstream.asked(address)
    asked.head()
    asked.write(HALF)
    assert.equal((await page.until('one', HALF.length)).text, HALF, 'it streams')
    return { upstream, recorder, behind, page, address, asked }
  }

  await check('the connection behind it is cut: the answer goes on', async (t) => {
    const { upstream, behind, page, address, asked } = await inTheMiddle(t)
    behind.cutNow()
    asked.end(REST)
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], [HALF + REST, 'clean'])
    assert.equal(upstream.count(address), 1)
  })

  await check('the recorder is killed and comes back: `interrupted`', async (t) => {
    const { recorder, page } = await inTheMiddle(t)
    await recorder.kill()
    await recorder.restart()
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end.code], [HALF, 'interrupted'])
  })

  await check('the upstream breaks off: `failed`', async (t) => {
    const { page, asked } = await inTheMiddle(t)
    asked.break()
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end.code], [HALF, 'failed'])
  })

  await check('no recorder runs when the page starts: Vite answers 500, which is waited out', async (t) => {
    const { upstream, recorder, start } = await startWorld(t)
    const vite = await start(startVite({ root: pages.dir, recorderPort: recorder.port }))
    await recorder.kill()
    const watched = await start(startHttpProxy({ targetPort: Number(new URL(vite.url).port) }))
    const page = await pages.open(t, '/df', {}, { address: `${watched.url}/` })
    const address = upstream.address()
    await page.begin('one', address, { method: 'POST', body: 'Why?' })
    await watched.until(1, ({ status }) => status >= 500)
    await recorder.restart()
    const asked = await upstream.asked(address)
    asked.head()
    asked.end(HALF)
    const { text, end } = await page.end('one')
    assert.deepEqual([text, end], [HALF, 'clean'])
    assert.equal(upstream.count(address), 1)
  })
})
