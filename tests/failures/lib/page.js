// The page of `../page`, with the packed package in it, and a driver for what its responses do.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../../e2e/lib/browser.js'
import { within } from '../../e2e/lib/deadline.js'
import { freshProject } from '../../package/lib/project.js'
import { serveStatic } from '../../runtimes/lib/static.js'

/** Short delays, so that tests take seconds; long enough that a busy machine is no failure. */
export const OPTIONS = { retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 30_000 } }

/** Served and opened as often as need be; gone after the test. */
export async function startPages(t) {
  const { dir, manifest, files } = await freshProject(t, fileURLToPath(new URL('../page', import.meta.url)))
  // npm has an older package of this name: without WebAssembly.
  assert.ok(files.some((file) => file.endsWith('.wasm')), `the package under test is not ours: ${files}`)
  const site = await serveStatic(t, dir)
  const browser = await launchBrowser()
  t.after(() => browser.close())
  t.diagnostic(`durablefetch ${manifest.version}, Chromium ${browser.version()}`)
  return {
    dir,
    browser,
    /** A page in a context of its own, with a client of this recorder. */
    async open(t, host, options = {}, address = site.url) {
      const context = await browser.newContext()
      t.after(() => context.close())
      return drive(await context.newPage(), address, { durablefetchHost: host, ...OPTIONS, ...options })
    },
  }
}

export async function drive(page, address, options) {
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(address)
  const call = (method) => (...args) => {
    const called = page.evaluate(([method, args]) => window.driver[method](...args), [method, args])
    return within(60_000, `${method}(${args.join(', ')})`, called)
  }
  const driver = new Proxy(
    { page, errors },
    { get: (own, name) => (name === 'then' ? undefined : (own[name] ?? call(name))) },
  )
  assert.equal(await driver.make(options), true, 'the client under test is ours')
  return driver
}
