import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { launchBrowser } from '../lib/browser.js'
import { within } from '../lib/deadline.js'
import { startRecorder } from '../lib/recorder.js'
import { installOurs } from '../users/lib/ours.js'
import { groups } from './behaviours/index.js'
import { startSite } from './lib/site.js'
import { tableOf } from './lib/table.js'
import { startUpstream } from './lib/upstream.js'

const DOCS = new URL('../../docs/fidelity.md', import.meta.url)
const ROW_MS = 20_000

test('df.fetch beside native fetch', async (t) => {
  const keep = async (starting) => {
    const started = await starting
    t.after(() => started.stop())
    return started
  }
  const ours = await installOurs(t)
  const upstream = await keep(startUpstream())
  const recorder = await keep(startRecorder())
  const site = await keep(startSite(ours))
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const page = await browser.newPage()
  const query = new URLSearchParams({ upstream: upstream.url, refused: await refusedUrl(), recorder: recorder.url })
  await page.goto(`${site.url}?${query}`)
  await page.locator('html[data-ready]').waitFor({ state: 'attached' })
  assert.equal(await page.evaluate(() => window.isOurs), true, 'the client under test is ours')

  const results = []
  for (const [group, { title, rows }] of groups.entries()) {
    const seen = []
    for (const [row, { name, is, ours: differs }] of rows.entries()) {
      await t.test(`${title}: ${name}`, async () => {
        const run = async (kind) => {
          const result = page.evaluate(([group, row, kind]) => window.run(group, row, kind), [group, row, kind])
          const { seen, failed } = await within(ROW_MS, `${kind} fetch is done`, result)
          return failed ?? seen
        }
        const native = await run('native')
        assert.deepEqual(native, is, 'native fetch')
        const expected = differs ? differs.is : is
        assert.deepEqual(await run('ours'), expected, 'df.fetch')
        if (differs) assert.notDeepEqual(differs.is, is, 'a row that is equal needs no reason')
        seen.push({ name, native, ours: expected, because: differs?.because })
      })
    }
    results.push({ title, rows: seen })
  }
  await t.test('nothing was rejected unseen', async () => {
    assert.deepEqual(await page.evaluate(() => window.unseen), [])
  })
  await t.test('docs/fidelity.md says what was seen', async () => {
    const table = tableOf(results, { chromium: browser.version().split('.')[0] })
    if (process.env.WRITE) await writeFile(DOCS, table)
    // Another browser's number is not another behaviour.
    const comparable = (text) => text.replace(/Chromium \d+/, 'Chromium')
    const written = await readFile(DOCS, 'utf8').catch(() => '')
    assert.equal(comparable(written), comparable(table), 'it is out of date: npm run write --prefix tests/fidelity')
  })
})

/** Where nothing listens: a port that was just given up. */
async function refusedUrl() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `http://localhost:${port}/`
}
