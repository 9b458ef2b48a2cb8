// The hermetic tests of the client in every engine: the page of their own runner, opened by our driver. `wasm-pack test`
// drives Chromium; for Firefox it needs geckodriver, and WebKit on Linux it cannot drive at all.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { within } from '../lib/deadline.js'
import { ENGINES, openBrowser } from '../lib/engines.js'
import { freePort } from '../lib/listen.js'

/** `wasm-bindgen-test-runner`, and what it runs: xtask has built both. */
const RUNNER = process.env.WASM_TEST_RUNNER
const TESTS = process.env.WASM_TESTS
const RUN_MS = 300_000
const VERDICT =
  /test result: (\w+)\. (\d+) passed; (\d+) failed; (\d+) ignored; (?:(\d+) measured; )?(\d+) filtered out/

/** Serves the page. It runs all tests whenever it is opened. */
async function startRunner(t) {
  assert.ok(
    RUNNER && TESTS,
    'run `cargo xtask test --only "client in each engine"`, which sets WASM_TEST_RUNNER and WASM_TESTS',
  )
  const address = `127.0.0.1:${await freePort()}`
  const env = { ...process.env, NO_HEADLESS: '1', WASM_BINDGEN_TEST_ADDRESS: address }
  const child = spawn(RUNNER, [TESTS], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const lines = []
  const listens = new Promise((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        lines.push(line)
        if (line.includes('now available at')) resolve()
      })
    }
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`the runner ended (${code}):\n${lines.join('\n')}`)))
  })
  await within(120_000, 'the runner serves its page', listens)
  return `http://${address}/`
}

test('hermetic tests', async (t) => {
  const address = await startRunner(t)
  const passed = new Map()
  for (const engine of ENGINES) {
    await t.test(engine, async (t) => {
      const browser = await openBrowser(engine)
      t.after(() => browser.close())
      await browser.goto(address)
      const output = await finished(browser)
      const [, verdict, ...counts] = VERDICT.exec(output)
      const [ran, failed, ignored, , filtered] = counts.map((count) => Number(count ?? 0))
      t.diagnostic(`${browser.version}: ${ran} / ${ran + failed + ignored + filtered} passed`)
      assert.deepEqual([verdict, failed, ignored, filtered], ['ok', 0, 0, 0], output)
      passed.set(engine, ran)
    })
  }
  await t.test('as many in one as in the other', () => {
    assert.equal(new Set(passed.values()).size, 1, JSON.stringify([...passed]))
    assert.equal(passed.size, ENGINES.length)
    assert.ok(passed.values().next().value > 200)
  })
})

/** All that the page says, once it is done. */
function finished(browser) {
  const said = (verdict) => {
    const output = document.getElementById('output').textContent
    return new RegExp(verdict).test(output) && output
  }
  return browser.untilWithin(RUN_MS, said, VERDICT.source).catch(async (error) => {
    const last = (await browser.evaluate(said, '')).slice(-2000)
    throw new Error(`The tests are not over in ${browser.engine}:\n${last}`, { cause: error })
  })
}
