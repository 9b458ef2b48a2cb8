// The pages that are written by a program are what it writes today.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { costPage, WRITES } from '../../docs/scale/cost.js'
import { apiPage } from './lib/api.js'
import { outcomesPlot } from './lib/outcomes.js'
import { ROOT } from './lib/pages.js'

async function fresh(file, text) {
  if (process.env.WRITE) await writeFile(join(ROOT, file), text)
  const written = await readFile(join(ROOT, file), 'utf8').catch(() => '')
  assert.equal(written, text, `${file} is out of date: npm run write --prefix tests/docs`)
}

test('docs/api.md is what pkg-template/index.d.ts says', async () => {
  const { text, undocumented } = apiPage()
  assert.deepEqual(undocumented, [], 'every export and every member is documented')
  await fresh('docs/api.md', text)
})

test('docs/scale/cost.js counts with the intervals of crates/worker', async () => {
  const read = (file) => readFile(join(ROOT, 'crates/worker/src', file), 'utf8')
  const [budget, object] = await Promise.all(['recording/memory.rs', 'core/alarm.rs'].map(read))
  assert.match(budget, new RegExp(`FLUSH_ALONE: Duration = Duration::from_millis\\(${WRITES.flushAloneS * 1000}\\)`))
  assert.match(budget, new RegExp(`FLUSH_MAX: Duration = Duration::from_secs\\(${WRITES.flushMaxS}\\)`))
  assert.match(object, new RegExp(`HEARTBEAT_MS: u64 = ${WRITES.heartbeatS}_000`))
})

test('docs/scale.md has the tables that docs/scale/cost.js computes', async () => {
  await fresh('docs/scale.md', costPage(await readFile(join(ROOT, 'docs/scale.md'), 'utf8')))
})

test('docs/outcomes.svg is what docs/reliability.md says came of the runs', async () => {
  await fresh('docs/outcomes.svg', outcomesPlot(await readFile(join(ROOT, 'docs/reliability.md'), 'utf8')))
})
