// `cargo xtask bench client`: the client in Chromium, through a real recorder, beside native fetch and beside
// @durable-streams/client.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { chromium } from '../lib/node_modules/playwright-core/index.mjs'
import { startCutProxy } from '../lib/cut-proxy.js'
import { startRecorder } from '../lib/recorder.js'
import { startRival } from './rival.js'
import { startSite } from './site.js'
import { startups } from './startup.js'
import { median, quantile, tableOf } from './table.js'
import { startUpstream } from './upstream.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 11)
const KINDS = ['native', 'ours', 'rival']
const MB = 1e6

const stops = []
const keep = async (starting) => {
  const started = await starting
  stops.push(() => started.stop())
  return started
}
/** `KINDS`, each of them first in its turn. */
const turns = (round) => KINDS.map((_, at) => KINDS[(at + round) % KINDS.length])
/** Rows of the table; each is told as soon as it is known. */
const rows = {
  all: [],
  push(row) {
    console.error(`${row.what}: ${row.native} ${row.ours} ${row.rival ?? ''} ${row.compared}`)
    this.all.push(row)
  },
}
const raw = {}
const load = [loadavg()[0]]
try {
  const upstream = await keep(startUpstream())
  const recorder = await keep(startRecorder())
  const proxy = await keep(startCutProxy({ targetPort: recorder.port }))
  const rival = await keep(startRival())
  const site = await keep(startSite())
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
      // A page that is handed in counts as one from anywhere, which may not ask what is on loopback.
      '--disable-features=LocalNetworkAccessChecks',
    ],
  })
  stops.push(() => browser.close())
  const open = async (host) => {
    const page = await (await browser.newContext()).newPage()
    await page.exposeFunction('cut', () => proxy.cutNow())
    // The page is of the recorder's own origin, as where a recorder is mounted. Of another one each request of ours would
    // pay for a preflight, which Chromium does not keep for requests that say `no-store`.
    await page.route(`${host}/bench/*`, async (route) => {
      await route.fulfill({
        response: await route.fetch({ url: route.request().url().replace(`${host}/bench/`, site.url) }),
      })
    })
    await page.goto(`${host}/bench/`)
    await page.evaluate(async () => (window.bench = await import('/bench/page.js')).begin(location.origin))
    await page.unrouteAll()
    return page
  }
  const call = (page, name, ...args) => page.evaluate(([name, args]) => window.bench[name](...args), [name, args])
  let serial = 0
  const address = (path, query) => `${upstream.url}/${path}?${new URLSearchParams({ ...query, n: serial++ })}`
  const record = (url, whole) => rival.record(url, whole)

  const page = await open(recorder.url)
  const measure = {
    imports: () => imports(browser, site),
    opened: () => opened(recorder, () => address('ticks', { chunks: 1, everyMs: 1 })),
    bulk: async () => {
      for (const how of ['reader', 'arrayBuffer'])
        for (const mb of [10, 64]) await bulk(page, call, address, record, how, mb * MB)
    },
    live: async () => {
      for (const mb of [10, 64]) await live(page, call, address, mb * MB)
    },
    latency: () => latency(page, call, address, record),
    ends: () => ends(page, call, address),
    heap: () => heap(page, call, address),
    gaps: async () => gaps(await open(proxy.url), call, address),
  }
  const names = process.env.BENCH_ONLY?.split(',') ?? Object.keys(measure)
  for (const name of names) {
    if (!measure[name]) throw new Error(`--only: ${name} is not one of ${Object.keys(measure).join(', ')}`)
    await measure[name]()
  }

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
  const taken = { blank: [], load: [], first: [] }
  const fresh = async (measure) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(site.url)
    // The browser is still starting the page's processes, and all share the processors.
    await page.waitForTimeout(300)
    const result = await page.evaluate(measure)
    await context.close()
    return result
  }
  for (let round = 0; round < ROUNDS; round++) {
    const blank = await fresh(async () => {
      const began = performance.now()
      await import('/blank.js')
      return performance.now() - began
    })
    const [load, first] = await fresh(async () => {
      const began = performance.now()
      const { DurableFetchClient } = await import('/df.js')
      const loaded = performance.now()
      return await new Promise((resolve) => {
        const fetch = () => {
          resolve([loaded - began, performance.now() - loaded])
          return new Promise(() => {})
        }
        void new DurableFetchClient({ durablefetchHost: '/df', fetch }).fetch('https://upstream.example/')
      })
    })
    taken.blank.push(blank)
    taken.load.push(load)
    taken.first.push(first)
  }
  raw.imports = taken
  const [blank, load, first] = [median(taken.blank), median(taken.load), median(taken.first)]
  const both = median(taken.load.map((ms, round) => ms + taken.first[round]))
  const ms = (value) => `${value.toFixed(1)} ms`
  const added = load - blank
  rows.push({
    what: '`import()` of the script, new page (beside: of a script of as many bytes)',
    native: ms(blank),
    ours: ms(load),
    compared: `${added >= 0 ? '+' : ''}${ms(added)}`,
    target: '',
  })
  rows.push({
    what: 'imported → first request sent, new page',
    native: '',
    ours: `${ms(first)} (with the import: ${ms(both)})`,
    compared: '',
    target: '≤ 10 ms',
    ok: first <= 10,
  })
}

/** From the opening of a page to the head of its first answer, in each engine. */
async function opened(recorder, address) {
  const taken = await startups(recorder, address, ROUNDS)
  raw.startups = taken
  const ms = (value) => `${value.toFixed(1)} ms`
  const added = (engine) => median(taken[engine].ours.map((ours, round) => ours - taken[engine].native[round]))
  const most = { chromium: 12, firefox: 2 * added('chromium'), webkit: 2 * added('chromium') }
  for (const [engine, { native, ours, construction }] of Object.entries(taken)) {
    rows.push({
      what: `page opened → head of its first answer, ${engine}`,
      native: ms(median(native)),
      ours: `${ms(median(ours))} (construction: ${ms(median(construction))})`,
      compared: `+${ms(added(engine))}`,
      target: engine === 'chromium' ? '≤ +12 ms, construction ≤ 5 ms' : '≤ 2 × of what Chromium adds',
      ok: added(engine) <= most[engine] && (engine !== 'chromium' || median(construction) <= 5),
    })
  }
}

async function bulk(page, call, address, record, how, bytes) {
  const url = address('bulk', { bytes })
  const urls = { native: url, ours: url, rival: await record(url, true) }
  const run = (kind) => call(page, 'bulk', kind, how, urls[kind], bytes)
  for (const kind of KINDS) await run(kind)
  const speeds = { native: [], ours: [], rival: [] }
  // Short ones, which vary most.
  for (let round = 0; round < 3 * ROUNDS; round++) for (const kind of turns(round)) speeds[kind].push(await run(kind))
  raw[`bulk ${how} ${bytes}`] = speeds
  const ratios = speeds.ours.map((speed, round) => speed / speeds.native[round])
  const ratio = median(ratios)
  const shown = (kind) => `${median(speeds[kind]).toFixed(0)} MB/s`
  const what = `${bytes / MB} MB, ${how === 'reader' ? 'chunk by chunk' : '`arrayBuffer()`'}`
  rows.push({
    what,
    native: shown('native'),
    ours: shown('ours'),
    rival: shown('rival'),
    compared: `× ${ratio.toFixed(2)} (half of them ${quantile(ratios, 0.25).toFixed(2)} to ${quantile(ratios, 0.75).toFixed(2)})`,
    target: '≥ × 0.95',
    ok: ratio >= 0.95,
  })
}

/** A body that its upstream sends meanwhile, through the recorder and straight from the upstream. */
async function live(page, call, address, bytes) {
  const kinds = ['native', 'ours', 'bare']
  // Each from the upstream: nothing is recorded of this address yet.
  const run = (kind) => call(page, 'live', kind, address('bulk', { bytes }), bytes)
  for (const kind of kinds) await run(kind)
  const speeds = { native: [], ours: [], bare: [] }
  for (let round = 0; round < 3 * ROUNDS; round++) {
    for (let turn = 0; turn < kinds.length; turn++) {
      const kind = kinds[(turn + round) % kinds.length]
      speeds[kind].push(await run(kind))
    }
  }
  raw[`live ${bytes}`] = speeds
  const ratios = (kind) => speeds[kind].map((speed, round) => speed / speeds.native[round])
  const [ours, bare] = [ratios('ours'), ratios('bare')]
  const shown = (kind) => `${median(speeds[kind]).toFixed(0)} MB/s`
  rows.push({
    what: `${bytes / MB} MB, live, chunk by chunk (beside: native \`fetch\` straight to the upstream)`,
    native: shown('native'),
    ours: shown('ours'),
    compared: `× ${median(ours).toFixed(2)} (half of them ${quantile(ours, 0.25).toFixed(2)} to ${quantile(ours, 0.75).toFixed(2)}; native \`fetch\` through the recorder × ${median(bare).toFixed(2)})`,
    target: '≥ × 0.9',
    ok: median(ours) >= 0.9,
  })
}

async function latency(page, call, address, record) {
  const streams = { streams: 6, chunks: 150, everyMs: 20 }
  const seen = { native: [], ours: [], rival: [] }
  for (let round = 0; round < Math.max(5, ROUNDS / 2); round++) {
    for (const kind of turns(round)) {
      const urls = Array.from({ length: streams.streams }, () => address('ticks', streams))
      if (kind === 'rival') for (const [at, url] of urls.entries()) urls[at] = await record(url, false)
      seen[kind].push(await call(page, 'latency', kind, urls))
    }
  }
  raw.latency = seen
  for (const [name, q] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ]) {
    const at = Object.fromEntries(KINDS.map((kind) => [kind, seen[kind].map((one) => quantile(one, q))]))
    const added = median(at.ours.map((ms, round) => ms - at.native[round]))
    const target = q === 0.99 ? { target: 'added ≤ 1 ms', ok: added <= 1 } : { target: '' }
    const shown = (kind) => `${median(at[kind]).toFixed(2)} ms`
    rows.push({
      what: `latency of a chunk, 6 streams × 50/s, ${name}`,
      native: shown('native'),
      ours: shown('ours'),
      rival: shown('rival'),
      compared: `${added >= 0 ? '+' : ''}${added.toFixed(2)} ms`,
      ...target,
    })
  }
}

/** What the end of a live answer costs: requests, and time. */
async function ends(page, call, address) {
  const chunks = 20
  const taken = { native: [], ours: [], question: [] }
  const sent = { native: [], ours: [] }
  const failed = { native: 0, ours: 0 }
  const asked = new Map()
  let requests
  page.on('request', () => (requests += 1))
  page.on('requestfailed', (request) => {
    const kind = asked.get(new URL(request.url()).searchParams.get('n'))
    if (kind) failed[kind] += 1
  })
  for (let round = -1; round < 3 * ROUNDS; round++) {
    for (const kind of round % 2 ? ['native', 'ours'] : ['ours', 'native']) {
      const url = address('ticks', { chunks, everyMs: 5 })
      if (round >= 0) asked.set(new URL(url).searchParams.get('n'), kind)
      requests = 0
      const ms = await call(page, 'ending', kind, url)
      if (round < 0) continue
      taken[kind].push(ms)
      sent[kind].push(requests)
      if (kind === 'ours') taken.question.push(await call(page, 'question', url, 150 * chunks))
    }
  }
  // What became of the last one is told some time later.
  await page.waitForTimeout(300)
  raw.ends = { ...taken, sent, failed }
  const ms = (value) => `${value.toFixed(1)} ms`
  const added = median(taken.ours.map((ours, round) => ours - taken.native[round]))
  const [trip, more] = [median(taken.question), Math.max(...sent.ours) - Math.max(...sent.native)]
  const shown = (kind) => `${ms(median(taken[kind]))}, ${failed[kind]} of ${taken[kind].length} shown as canceled`
  rows.push({
    what: `last byte of a live answer → its end (${more} more request${more === 1 ? '' : 's'})`,
    native: shown('native'),
    ours: shown('ours'),
    compared: `+${ms(added)} (a round trip: ${ms(trip)})`,
    target: '≤ +1 round trip + 2 ms, 1 more request, no more canceled',
    ok: added <= trip + 2 && more <= 1 && failed.ours <= failed.native,
  })
}

async function heap(page, call, address) {
  const url = address('bulk', { bytes: 256 * MB })
  const grown = {}
  const shown = {}
  for (const kind of ['native', 'ours']) {
    const { samples } = await call(page, 'heap', kind, url, 32 * MB)
    raw[`heap ${kind}`] = samples
    const lowest = [samples.slice(0, 4), samples.slice(4)].map((half) => Math.min(...half))
    grown[kind] = (lowest[1] - lowest[0]) / 1024
    shown[kind] = `${(Math.min(...samples) / MB).toFixed(2)} to ${(Math.max(...samples) / MB).toFixed(2)} MB`
  }
  const compared = `grown by ${grown.ours.toFixed(0)} kB (native ${grown.native.toFixed(0)})`
  rows.push({
    what: 'JavaScript heap while 256 MB pass',
    ...shown,
    compared,
    target: 'flat (≤ 256 kB)',
    ok: grown.ours <= 256,
  })
}

async function gaps(page, call, address) {
  const url = address('ticks', { chunks: 30_000, everyMs: 1 })
  const ours = await call(page, 'gaps', url, Math.max(9, ROUNDS))
  const native = []
  // Ours has been this way before.
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
