import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer, preview } from 'vite'
import { launchBrowser } from '../lib/browser.js'
import { startRecorder } from '../lib/recorder.js'
import { bin, freshProject, node } from './lib/project.js'
import { startUpstream, TEXT } from './lib/upstream.js'

const SERVE = { host: '127.0.0.1', port: 0 }

/** Opens the page at this address in Chromium and checks that it shows the upstream's text. */
async function checkPage(t, address) {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const upstream = await startUpstream(t)
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const page = await browser.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  const query = new URLSearchParams({ recorder: recorder.url, upstream: upstream.url })
  await page.goto(`${address}/?${query}`)
  const out = page.locator('#out[data-done]')
  await out.waitFor({ state: 'attached', timeout: 20_000 }).catch((error) => {
    throw new Error(`${error.message}\nthe page's errors: ${errors.join('\n')}`)
  })
  assert.equal(await out.textContent(), TEXT)
  assert.equal(await out.getAttribute('data-done'), upstream.url)
  assert.equal(upstream.asked(), 1)
}

test('Vite, dev server: no configuration', async (t) => {
  const { dir } = await freshProject(t, 'vite')
  const server = await createServer({
    root: dir,
    configFile: false,
    logLevel: 'warn',
    server: { ...SERVE, watch: null },
  })
  t.after(() => server.close())
  await server.listen()
  await checkPage(t, `http://127.0.0.1:${server.httpServer.address().port}`)
})

test('Vite, production build: no configuration, and the module is in the bundle', async (t) => {
  const { dir } = await freshProject(t, 'vite')
  await node(dir, [bin.vite, 'build'])
  const assets = await readdir(join(dir, 'dist/assets'))
  assert.deepEqual(
    assets.filter((name) => !name.endsWith('.js')),
    [],
    'nothing but scripts was emitted',
  )
  const server = await preview({ root: dir, configFile: false, logLevel: 'warn', preview: SERVE })
  t.after(() => server.close())
  await checkPage(t, `http://127.0.0.1:${server.httpServer.address().port}`)
})
