// The hermetic tests of the client, translated as durablefetch/js is, in pages whose policy refuses WebAssembly and eval.
import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ENGINES, openBrowser } from '../lib/engines.js'
import { serveStatic } from '../lib/static.js'

/** wasm-bindgen's glue, the translated module and their names: xtask has made them. */
const TESTS = process.env.TRANSLATED_TESTS
const PAGE = fileURLToPath(new URL('page', import.meta.url))
/** The tests run lines of JavaScript as modules of `data:`. */
const POLICY = { 'content-security-policy': "default-src 'self' data:; script-src 'self' data:; connect-src *" }
const RUN_MS = 300_000
const VERDICT = /test result: (\w+)\. (\d+) passed; (\d+) failed; (\d+) ignored; .*?(\d+) filtered out/

test('hermetic tests, translated', async (t) => {
  assert.ok(TESTS, 'run `cargo xtask test --only "client without"`, which sets TRANSLATED_TESTS')
  await cp(PAGE, TESTS, { recursive: true })
  const { url } = await serveStatic(t, TESTS, POLICY)
  const passed = new Map()
  for (const engine of ENGINES) {
    await t.test(engine, async (t) => {
      const browser = await openBrowser(engine)
      t.after(() => browser.close())
      await browser.goto(`${url}/index.html`)
      const output = await browser.untilWithin(RUN_MS, () => {
        const output = document.getElementById('output')
        return 'done' in output.dataset && output.textContent
      })
      const [, verdict, ...counts] = VERDICT.exec(output) ?? assert.fail(output.slice(-4000))
      const [ran, failed, ignored, filtered] = counts.map(Number)
      t.diagnostic(`${browser.version}: ${ran} / ${ran + failed + ignored + filtered} passed`)
      assert.deepEqual([verdict, failed, ignored, filtered], ['ok', 0, 0, 0], output)
      passed.set(engine, ran)
      const refused = await browser.evaluate(() => document.getElementById('output').dataset.refused)
      assert.match(refused, /Content.Security.Policy|unsafe-eval|CSP/, 'the policy refuses WebAssembly')
    })
  }
  assert.deepEqual([...passed.keys()], ENGINES)
  assert.equal(new Set(passed.values()).size, 1, JSON.stringify([...passed]))
  assert.ok(passed.values().next().value > 200)
})
