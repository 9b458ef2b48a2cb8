// docs/monitoring: its rules and its dashboard ask for metrics that there are, and promtool is content with all three.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listen } from '../lib/listen.js'
import { startRecorder } from '../lib/recorder.js'

const { PROMTOOL } = process.env
const FOLDER = fileURLToPath(new URL('../../docs/monitoring/', import.meta.url))
// Prometheus has it, whatever it scrapes.
const ITS_OWN = ['up']
// Only with TLS.
const UNDER_TLS = ['durablefetch_certificate_not_after_timestamp_seconds']

/** What a recorder tells that has recorded an answer, and failed at one. */
let metrics

before(async () => {
  const recorder = await startRecorder()
  const upstream = await listen(createServer((_, response) => response.end('an answer')))
  for (const url of [`http://127.0.0.1:${upstream.port}/`, 'http://127.0.0.1:1/']) {
    await (await fetch(recorder.url, { headers: { 'durablefetch-url': url } })).text()
  }
  metrics = await (await fetch(`http://127.0.0.1:${recorder.port}/metrics`)).text()
  upstream.stop()
  await recorder.stop()
})

async function promtool(args, input) {
  assert.ok(PROMTOOL, 'PROMTOOL names the program; `cargo xtask test --only "behind nginx"` installs it')
  const child = spawn(PROMTOOL, args, { cwd: FOLDER })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  child.stdin.end(input ?? '')
  const [code] = await once(child, 'close')
  return { code, output }
}

/** The names of metrics in a query. */
const named = (query) => query.match(/\b(?:durablefetch|process)_[a-z0-9_]+\b/g) ?? []

function isThere(name) {
  return UNDER_TLS.includes(name) || new RegExp(`^${name}(\\{| )`, 'm').test(metrics)
}

test('promtool finds nothing to say of the metrics', async () => {
  const { code, output } = await promtool(['check', 'metrics'], metrics)
  assert.equal(code, 0, output)
  assert.equal(output.trim(), '')
})

test('the rules are rules, and each fires where it should', async () => {
  const checked = await promtool(['check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml'])
  assert.equal(checked.code, 0, checked.output)
  const tested = await promtool(['test', 'rules', 'alerts.test.yml'])
  assert.equal(tested.code, 0, tested.output)
  const [rules, tests] = await Promise.all(
    ['alerts.yml', 'alerts.test.yml'].map((name) => readFile(`${FOLDER}${name}`, 'utf8')),
  )
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  assert.ok(alerts.length > 9)
  for (const alert of alerts) assert.match(tests, new RegExp(`\\b${alert}\\b`), `${alert} is not tested`)
})

test('rules ask for metrics that there are', async () => {
  const expressions = (await readFile(`${FOLDER}alerts.yml`, 'utf8')).replace(/^ +(summary|remedy):.*$/gm, '')
  const names = named(expressions)
  assert.ok(names.length > 15)
  for (const name of names) assert.ok(ITS_OWN.includes(name) || isThere(name), `no recorder tells of ${name}`)
})

test('every query of the dashboard names metrics that there are', async () => {
  const { panels } = JSON.parse(await readFile(`${FOLDER}dashboard.json`, 'utf8'))
  const queries = panels.flatMap(({ targets }) => targets ?? []).map(({ expr }) => expr)
  assert.ok(queries.length > 25)
  for (const query of queries) {
    const names = named(query)
    assert.ok(names.length > 0, query)
    for (const name of names) assert.ok(isThere(name), `no recorder tells of ${name}: ${query}`)
  }
})

test('every metric of the recorder is on the dashboard or in a rule', async () => {
  const pages = (
    await Promise.all(['dashboard.json', 'alerts.yml'].map((name) => readFile(`${FOLDER}${name}`, 'utf8')))
  ).join()
  const names = [...metrics.matchAll(/^# TYPE (durablefetch_\w+) /gm)].map(([, name]) => name)
  assert.ok(names.length > 20)
  const missing = names.filter((name) => !pages.includes(name))
  // It says that the recorder counts wrong, which is for those who work on it.
  assert.deepEqual(missing, ['durablefetch_accounting_difference_bytes'])
})
