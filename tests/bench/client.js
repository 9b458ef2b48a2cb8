// `cargo xtask bench client`: the client in Chromium, beside native fetch, through a real recorder.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { chromium } from '../e2e/node_modules/playwright-core/index.mjs'
import { startCutProxy } from '../e2e/lib/cut-proxy.js'
import { startRecorder } from '../e2e/lib/recorder.js'
import { startSite } from './site.js'
import { median, quantile, tableOf } from './table.js'
import { startUpstream } from './upstream.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 11)
const KINDS = ['native', 'ours']
const MB = 1e6

const stops = []
const keep = async (starting) => {
  const started = await starting
  stops.push(() => started.stop())
  return started
}
/** Rows of the table; each is told as soon as it is known. */
const rows = { all: [], push(row) { console.error(`${row.what}: ${row.native} ${row.ours} ${row.compared}`), this.all.push(row) } }
const raw = {}
const load = [loadavg()[0]]
try {
  const upstream = await keep(startUpstream())
  const recorder = await keep(startRecorder())
  const proxy = await keep(startCutProxy({ targetPort: recorder.port }))
  const site = await keep(startSite())
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
  })
  stops.push(() => browser.close())
  const open = async (host) => {
    const page = await (await browser.newContext()).newPage()
    await page.exposeFunction('cut', () => proxy.cutNow())
    await page.goto(site.url)
    await page.evaluate(async (host) => (window.bench = await import('/page.js')).begin(host), host)
    return page
  }
  const call = (page, name, ...args) => page.evaluate(([name, args]) => window.bench[name](...args), [name, args])
  let serial = 0
  const address = (path, query) => `${upstream.url}/${path}?${new URLSearchParams({ ...query, n: serial++ })}`

  await imports(browser, site)
  const page = await open(recorder.url)
  for (const how of ['reader', 'arrayBuffer']) for (const mb of [10, 64]) await bulk(page, call, address, how, mb * MB)
  await latency(page, call, address)
  await heap(page, call, address)
  await gaps(await open(proxy.url), call, address)

  const about = {
    chromium: browser.version().split('.')[0],
    machine: `${cpus().length} cores (${cpus()[0].model.trim()})`,
    date: new Date().toISOString().slice(0, 10),
    rounds: ROUNDS,
    load: [...load, loadavg()[0]].map((average) => average.toFixed(0)),
  }
  const table = tableOf(rows.all, about)
  console.log(table)
  if (process.env.BENCH_JSON) {
    await mkdir(dirname(process.env.BENCH_JSON), { recursive: true })
    await writeFile(process.env.BENCH_JSON, JSON.stringify({ ...about, raw }, undefined, 1))
  }
  if (process.env.BENCH_MARKDOWN) await writeFile(process.env.BENCH_MARKDOWN, table)
} finally {
  for (const stop of stops.reverse()) await stop()
}

/** From `import` to the first request that a call makes, in a page that has nothing yet. */
async function imports(browser, site) {
  const taken = []
  for (let round = 0; round < ROUNDS; round++) {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(site.url)
    taken.push(
      await page.evaluate(async () => {
        const began = performance.now()
        const { DurableFetchClient } = await import('/df.js')
        const loaded = performance.now()
        return await new Promise((resolve) => {
          const fetch = () => {
            resolve([performance.now() - began, performance.now() - loaded])
            return new Promise(() => {})
          }
          void new DurableFetchClient({ durablefetchHost: '/df', fetch }).fetch('https://upstream.example/')
        })
      }),
    )
    await context.close()
  }
  raw.imports = taken
  const [whole, own] = [median(taken.map(([all]) => all)), median(taken.map(([, after]) => after))]
  const ours = `${whole.toFixed(1)} ms (of it ${own.toFixed(1)} after loading)`
  rows.push({ what: 'import → first request sent, new page', native: '', ours, compared: '', target: '≤ 10 ms', ok: whole <= 10 })
}

async function bulk(page, call, address, how, bytes) {
  const url = address('bulk', { bytes })
  for (const kind of KINDS) await call(page, 'bulk', kind, how, url, bytes)
  const speeds = { native: [], ours: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of round % 2 ? KINDS.toReversed() : KINDS) speeds[kind].push(await call(page, 'bulk', kind, how, url, bytes))
  }
  raw[`bulk ${how} ${bytes}`] = speeds
  const ratio = median(speeds.ours.map((speed, round) => speed / speeds.native[round]))
  const shown = (kind) => `${median(speeds[kind]).toFixed(0)} MB/s`
  const what = `${bytes / MB} MB, ${how === 'reader' ? 'chunk by chunk' : '`arrayBuffer()`'}`
  rows.push({ what, native: shown('native'), ours: shown('ours'), compared: `× ${ratio.toFixed(2)}`, target: '≥ × 0.95', ok: ratio >= 0.95 })
}

async function latency(page, call, address) {
  const streams = { streams: 6, chunks: 150, everyMs: 20 }
  const seen = { native: [], ours: [] }
  for (let round = 0; round < Math.max(5, ROUNDS / 2); round++) {
    for (const kind of round % 2 ? KINDS.toReversed() : KINDS) {
      const urls = Array.from({ length: streams.streams }, () => address('ticks', streams))
      seen[kind].push(await call(page, 'latency', kind, urls))
    }
  }
  raw.latency = seen
  for (const [name, q] of [['p50', 0.5], ['p99', 0.99]]) {
    const at = Object.fromEntries(KINDS.map((kind) => [kind, seen[kind].map((one) => quantile(one, q))]))
    const added = median(at.ours.map((ms, round) => ms - at.native[round]))
    const target = q === 0.99 ? { target: 'added ≤ 1 ms', ok: added <= 1 } : { target: '' }
    const shown = (kind) => `${median(at[kind]).toFixed(2)} ms`
    rows.push({ what: `latency of a chunk, 6 streams × 50/s, ${name}`, native: shown('native'), ours: shown('ours'), compared: `${added >= 0 ? '+' : ''}${added.toFixed(2)} ms`, ...target })
  }
}

async function heap(page, call, address) {
  const every = 32 * MB
  const { samples } = await call(page, 'heap', address('bulk', { bytes: 256 * MB }), every)
  raw.heap = samples
  const grown = (samples.at(-1) - samples[1]) / 1024
  const ours = `${(samples[1] / MB).toFixed(2)} → ${(samples.at(-1) / MB).toFixed(2)} MB`
  rows.push({ what: 'JavaScript heap while 256 MB pass', native: '', ours, compared: `${grown >= 0 ? '+' : ''}${grown.toFixed(0)} kB`, target: 'flat (≤ 256 kB)', ok: grown <= 256 })
}

async function gaps(page, call, address) {
  const url = address('ticks', { chunks: 30_000, everyMs: 1 })
  const ours = await call(page, 'gaps', url, Math.max(9, ROUNDS))
  const native = []
  // The first one pays for the preflight, which ours paid for before.
  for (let round = -1; round < ours.length; round++) {
    const ms = await call(page, 'bareTrip', url, 150 * (round + 2))
    if (round >= 0) native.push(ms)
  }
  raw.gaps = { native, ours }
  const ratio = median(ours) / median(native)
  rows.push({
    what: 'cut noticed → next new byte (beside: the same continuation by native fetch, on a new connection)',
    native: `${median(native).toFixed(1)} ms`,
    ours: `${median(ours).toFixed(1)} ms`,
    compared: `× ${ratio.toFixed(2)}`,
    target: '≤ × 1.2',
    ok: ratio <= 1.2,
  })
}
