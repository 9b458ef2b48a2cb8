// docs/browsers.md: its policy, its service workers and its extension, in Chromium.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { launchBrowser, launchWithExtension } from '../lib/browser.js'
import { extensionKey } from '../lib/extension.js'
import { run } from '../runtimes/lib/process.js'
import { answer, startApp } from './lib/app.js'
import { blocksOf } from '../lib/blocks.js'
import { PKG } from './lib/files.js'

const page = blocksOf('docs/browsers.md')
const CLIENT = { '/durablefetch/': { dir: PKG } }
const HTML = '<!doctype html><title>app</title><p id="text"></p><script type="module" src="/page.js"></script>'
/** Asks at once, and shows what comes. */
const PAGE = `import { DurableFetchClient } from '/durablefetch/index.js'
try {
  await (globalThis.before ?? (() => {}))()
  const df = new DurableFetchClient({ durablefetchHost: '/df' })
  const response = await df.fetch('/api/ask', { method: 'POST', body: 'Why' })
  const decoder = new TextDecoder()
  for await (const bytes of response.body) document.querySelector('#text').append(decoder.decode(bytes, { stream: true }))
} catch (error) {
  document.querySelector('#text').textContent = error.code + ': ' + error.message
}
`

async function open(t) {
  const browser = await launchBrowser()
  t.after(() => browser.close())
  return browser.newPage()
}

const shows = (tab, text) =>
  tab.waitForFunction((wanted) => document.querySelector('#text')?.textContent === wanted, text, { timeout: 30_000 })

/** Asks, reloads in the middle of the answer, and reads all of it. */
async function reloads(app, tab) {
  app.gate.holdAt(40)
  await tab.goto(app.url)
  await shows(tab, answer('Why', 40))
  await tab.reload()
  await shows(tab, answer('Why', 40))
  app.gate.open()
  await shows(tab, answer('Why'))
  assert.deepEqual(app.asked, ['Why'], 'the answer was asked for once')
}

const header = page.in('http').match(/^content-security-policy: (.*)$/m)[1]

test('the policy of the page is enough', async (t) => {
  const headers = { 'content-security-policy': header }
  const app = await startApp(t, { files: { '/index.html': HTML, '/page.js': PAGE, ...CLIENT }, headers })
  await reloads(app, await open(t))
})

for (const [where, files, headers] of [
  ['in a header', { '/index.html': HTML, '/page.js': PAGE }, { 'content-security-policy': "script-src 'self'" }],
  [
    'in a meta element',
    {
      '/index.html': HTML.replace(
        '<title>',
        `<meta http-equiv="content-security-policy" content="default-src 'self'"><title>`,
      ),
      '/page.js': PAGE,
    },
  ],
]) {
  test(`a policy ${where} without 'wasm-unsafe-eval': the message names the page and the directive`, async (t) => {
    const app = await startApp(t, { files: { ...files, ...CLIENT }, headers })
    const tab = await open(t)
    await tab.goto(app.url)
    const text = await tab.waitForFunction(() => document.querySelector('#text').textContent)
    assert.ok(
      (await text.jsonValue()).startsWith(
        `wasm: WebAssembly was refused: the content security policy of ${app.url} needs script-src 'wasm-unsafe-eval'. Or import 'durablefetch/js'`,
      ),
      await text.jsonValue(),
    )
  })
}

const registered = `globalThis.before = async () => {
  await navigator.serviceWorker.register('/sw.js')
  await navigator.serviceWorker.ready
}
`
const WITH_WORKER = HTML.replace('<script type', '<script src="/before.js"></script><script type')

test('a service worker that keeps the shell leaves answers alone', async (t) => {
  const files = { '/index.html': WITH_WORKER, '/before.js': registered, '/page.js': PAGE, '/sw.js': page.file('sw.js') }
  const app = await startApp(t, { files: { ...files, ...CLIENT } })
  const tab = await open(t)
  await reloads(app, tab)
  assert.ok(await tab.evaluate(() => navigator.serviceWorker.controller !== null), 'the page is under the worker')
  const kept = await tab.evaluate(async () => {
    const requests = await (await caches.open('shell-1')).keys()
    return requests.map(({ url }) => new URL(url).pathname)
  })
  assert.deepEqual(kept, ['/', '/page.js'])
  await tab.context().setOffline(true)
  await tab.reload()
  assert.equal(await tab.title(), 'app', 'the shell is there without a network')
})

test("Workbox's worker leaves answers alone, and the recorder's addresses are no pages of the app", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-workbox-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  await mkdir(join(dir, 'dist'))
  const files = { 'index.html': WITH_WORKER, 'before.js': registered, 'page.js': PAGE }
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, 'dist', name), text)
  await writeFile(join(dir, 'package.json'), '{"private":true,"type":"module"}')
  await writeFile(join(dir, 'workbox.config.js'), page.file('workbox.config.js'))
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', 'workbox-build@7'], { cwd: dir })
  const build = `import { generateSW } from 'workbox-build'
import config from './workbox.config.js'
const { count, warnings } = await generateSW(config)
console.log(JSON.stringify({ count, warnings }))
`
  await writeFile(join(dir, 'build.js'), build)
  const { stdout } = await run(process.execPath, ['build.js'], { cwd: dir })
  assert.deepEqual(JSON.parse(stdout), { count: 3, warnings: [] })

  const app = await startApp(t, { files: { ...CLIENT, '/': { dir: join(dir, 'dist') } } })
  const tab = await open(t)
  await reloads(app, tab)
  assert.ok(await tab.evaluate(() => navigator.serviceWorker.controller !== null), 'the page is under the worker')
  await tab.goto(`${app.url}/any/page/of/the/app`)
  assert.equal(await tab.title(), 'app')
  const answered = await tab.goto(`${app.url}/df/healthz`)
  assert.equal(answered.status(), 200)
  assert.notEqual(await tab.title(), 'app', 'the recorder answers for its own addresses')
})

const manifest = JSON.parse(page.in('json'))
/** An extension of these files in a browser of its own. */
async function extension(t, files) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-extension-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  await cp(PKG, join(dir, 'durablefetch'), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  const context = await launchWithExtension(dir)
  t.after(() => context.close())
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'))
  return { context, origin: new URL('/', worker.url()).href.slice(0, -1) }
}

const STRICT = { 'content-security-policy': "default-src 'self'" }
const SHOWS = `<!doctype html><title>app</title><p id="text"></p>`
const says = (error) => `document.querySelector('#text').textContent = ${error}`

test('a content script on a strict page: the message names the page whose policy refused, and where to go', async (t) => {
  const app = await startApp(t, { files: { '/index.html': SHOWS }, headers: STRICT })
  const tries = `import(chrome.runtime.getURL('durablefetch/index.js'))
  .then(({ DurableFetchClient }) => new DurableFetchClient())
  .catch((error) => ${says("error.code + ': ' + error.message")})`
  const { context } = await extension(t, {
    'manifest.json': JSON.stringify({
      ...manifest,
      web_accessible_resources: [{ resources: ['durablefetch/*'], matches: ['http://localhost/*'] }],
    }),
    'background.js': '',
    'content.js': tries,
  })
  const tab = await context.newPage()
  await tab.goto(app.url)
  const text = await tab.waitForFunction(() => document.querySelector('#text').textContent)
  assert.match(
    await text.jsonValue(),
    new RegExp(
      `^wasm: WebAssembly was refused: the content security policy of ${app.url} needs script-src 'wasm-unsafe-eval', also for content scripts: use the extension's service worker`,
    ),
  )
})

test("an extension whose manifest allows nothing: the message names the manifest's key", async (t) => {
  const tries = (then) => `import { DurableFetchClient } from './durablefetch/index.js'
try { new DurableFetchClient() } catch (error) { ${then} }`
  const bare = { ...manifest, content_security_policy: undefined, content_scripts: undefined }
  const { context, origin } = await extension(t, {
    'manifest.json': JSON.stringify(bare),
    'background.js': tries('globalThis.told = error.message'),
    'popup.html': `${SHOWS}<script type="module" src="popup.js"></script>`,
    'popup.js': tries(says('error.message')),
  })
  const expected =
    /^WebAssembly was refused: the content security policy of the extension's manifest\.json needs script-src 'wasm-unsafe-eval'/
  assert.match(await context.serviceWorkers()[0].evaluate(() => globalThis.told), expected)
  const tab = await context.newPage()
  await tab.goto(`${origin}/popup.html`)
  const text = await tab.waitForFunction(() => document.querySelector('#text').textContent)
  assert.match(await text.jsonValue(), expected)
})

test("the extension of the page: a content script on a strict page gets its answer through the extension's worker", async (t) => {
  // With a key the id is known before the extension is loaded, so that the recorder can be told.
  const { key, id } = extensionKey()
  const flags = page
    .command('durablefetch serve')
    .slice(2)
    .map((word) => word.replace('abcdefghijklmnopabcdefghijklmnop', id))
  const app = await startApp(t, { files: { '/index.html': SHOWS }, headers: STRICT, flags })
  const asks =
    "ask(location.origin + '/api/ask', 'Why', (text) => (document.querySelector('#text').textContent = text))"
  const { context, origin } = await extension(t, {
    'manifest.json': JSON.stringify({ ...manifest, key }),
    'background.js': page.file('background.js').replace('http://localhost:8787', app.recorder.url),
    'content.js': `${page.file('content.js')}\n${asks}`,
  })
  assert.equal(origin, `chrome-extension://${id}`)
  await reloads(app, await context.newPage())
})
