import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { within } from '../lib/deadline.js'
import { ENGINES, openBrowser } from '../lib/engines.js'
import { startRecorder } from '../lib/recorder.js'
import { installOurs } from '../users/lib/ours.js'
import { expectedIn, groups } from './behaviours/index.js'
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
  const site = await keep(startSite(ours))
  const versions = {}
  /** By engine, group and row: what was seen of both. */
  const seen = {}

  for (const engine of ENGINES) {
    await t.test(engine, async (t) => {
      // One of its own: what a page keeps and what a recorder keeps go together.
      const recorder = await startRecorder()
      t.after(() => recorder.stop())
      const page = await openBrowser(engine)
      t.after(() => page.close())
      versions[engine] = page.version
      const query = new URLSearchParams({ upstream: upstream.url, refused: await refusedUrl(), recorder: recorder.url })
      await page.goto(`${site.url}?${query}`)
      await page.until(() => document.documentElement.dataset.ready)
      assert.equal(await page.evaluate(() => window.isOurs), true, 'the client under test is ours')
      seen[engine] = await runAll(t, page, upstream)
    })
  }

  const all = groups.flatMap(({ rows }) => rows).length
  for (const [engine, rows] of Object.entries(seen)) t.diagnostic(`${versions[engine]}: ${rows.size} / ${all}`)

  await t.test('a row says nothing of an engine that it says of all', () => {
    for (const { name, is, ours, in: engines = {} } of groups.flatMap(({ rows }) => rows)) {
      if (ours) assert.notDeepEqual(ours.is, is, `${name}: what is equal needs no reason`)
      for (const [engine, { because }] of Object.entries(engines)) {
        const [own, every] = [expectedIn({ is, ours, in: engines }, engine), expectedIn({ is, ours }, engine)]
        assert.ok(because, `${name}: why does ${engine} differ?`)
        assert.notDeepEqual([own.native, own.ours], [every.native, every.ours], `${name}: ${engine} is as all are`)
      }
    }
  })

  await t.test('docs/fidelity.md says what was seen', async () => {
    if (ENGINES.length < 3) return assertNamed(await readFile(DOCS, 'utf8'))
    const table = tableOf(groups.map(told), versions)
    if (process.env.WRITE) await writeFile(DOCS, table)
    const written = await readFile(DOCS, 'utf8').catch(() => '')
    assert.equal(comparable(written), comparable(table), 'it is out of date: npm run write --prefix tests/fidelity')
  })

  /** What a run of fewer engines can tell. */
  function assertNamed(written) {
    for (const { name } of groups.flatMap(({ rows }) => rows)) assert.ok(written.includes(`| ${name} |`), name)
  }

  function told({ title, rows }) {
    for (const engine of ENGINES) assert.equal(seen[engine]?.size, all, `${engine}: not every row is as it must be`)
    const inEach = (row) => Object.fromEntries(ENGINES.map((engine) => [engine, seen[engine].get(row)]))
    const because = (row) => [...new Set(ENGINES.map((engine) => expectedIn(row, engine).because).filter(Boolean))]
    return { title, rows: rows.map((row) => ({ ...row, because: because(row), in: inEach(row) })) }
  }
})

/** Every row, and what was seen where it was as it must be. */
async function runAll(t, page, upstream) {
  const seen = new Map()
  for (const [group, { title, rows }] of groups.entries()) {
    for (const [number, row] of rows.entries()) {
      await t.test(`${title}: ${row.name}`, async () => {
        const run = async (kind) => {
          const result = page.evaluate((...which) => window.run(...which), group, number, kind)
          const { seen, failed, message } = await within(ROW_MS, `${kind} fetch is done`, result)
          if (failed) t.diagnostic(`${kind}: ${failed}: ${message}`)
          return failed ?? seen
        }
        const expected = expectedIn(row, page.engine)
        try {
          const both = { native: await run('native'), ours: await run('ours') }
          assert.deepEqual(both, { native: expected.native, ours: expected.ours })
          seen.set(row, both)
        } finally {
          upstream.endAll()
        }
      })
    }
  }
  await t.test('nothing was rejected unseen', async () => {
    assert.deepEqual(await page.evaluate(() => window.unseen), [])
  })
  return seen
}

/** Another browser's number is not another behaviour. */
const comparable = (text) => text.replaceAll(/(Chromium|Firefox|WebKitGTK) [\d.]+(esr)?/g, '$1')

/** Where nothing listens: a port that was just given up. */
async function refusedUrl() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `http://localhost:${port}/`
}
