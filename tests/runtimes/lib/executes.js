// One row of the support table: a test that also says what it ran and of which version.
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'

/**
 * `run(t)` executes something and returns the versions of what it executed, for example `Vite 8.3.8, Chromium 145`.
 * run.js gathers the rows.
 */
export function executes(name, run) {
  test(name, { timeout: 300_000 }, async (t) => {
    const started = performance.now()
    const row = { name, versions: '', result: 'FAILED' }
    try {
      row.versions = await run(t)
      row.result = 'passed'
    } finally {
      row.seconds = (performance.now() - started) / 1000
      if (process.env.RUNTIMES_ROWS) appendFileSync(process.env.RUNTIMES_ROWS, `${JSON.stringify(row)}\n`)
    }
  })
}
