// Tests that run in each engine, and are counted there.
import { appendFile } from 'node:fs/promises'
import { test } from 'node:test'
import { ENGINES } from './engines.js'
import { has } from './powers.js'

/** Where run-in-engines.js reads what became of each, a line of JSON for one. */
const ROWS = process.env.ENGINE_ROWS

/**
 * A test for each engine, or for those that ENGINE names. `define(t, engine, check)` has as many tests as it likes, by
 * `check(name, run)`, or `check(name, { needs }, run)` where not every engine can: `needs` is a power of powers.js. What an
 * engine cannot do is counted as that; no test is skipped in another way.
 * `together`: all engines at the same time, for tests that wait for minutes.
 */
export function inEachEngine(name, define, { together = false } = {}) {
  test(name, { concurrency: together }, async (t) => {
    const all = []
    for (const engine of ENGINES) {
      const ran = t.test(engine, { concurrency: together }, (t) => counted(t, name, engine, define))
      all.push(ran)
      if (!together) await ran
    }
    await Promise.all(all)
  })
}

async function counted(t, file, engine, define) {
  const rows = []
  const check = (name, ...rest) => {
    const [{ needs } = {}, run] = rest.length > 1 ? rest : [undefined, ...rest]
    const row = { file, engine, name, result: 'failed' }
    rows.push(row)
    if (needs && !has(engine, needs)) {
      row.result = `cannot: ${needs}`
      return Promise.resolve()
    }
    return t.test(name, async (t) => {
      await run(t)
      row.result = 'passed'
    })
  }
  try {
    await define(t, engine, check)
  } finally {
    const of = (result) => rows.filter((row) => row.result.startsWith(result)).length
    t.diagnostic(`${engine}: ${of('passed')} / ${rows.length} passed, and ${of('cannot')} it cannot do`)
    if (ROWS) await appendFile(ROWS, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  }
}
