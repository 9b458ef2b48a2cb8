// The page of `tests/lib/page` in one of the engines, with the packed package in it.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { within } from '../../lib/deadline.js'
import { ENGINES, openBrowser } from '../../lib/engines.js'
import { freshProject } from '../../lib/project.js'
import { serveStatic } from '../../lib/static.js'

const PAGE = fileURLToPath(new URL('../../lib/page', import.meta.url))
/** Short delays, so that tests take seconds; long enough that a busy machine is not a failure. */
const OPTIONS = { retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 30_000 } }

/** Serves the page, and runs a test once in each engine, or in the one that ENGINE names. */
export async function inEachEngine(t, run) {
  const { dir, manifest } = await freshProject(t, PAGE)
  const site = await serveStatic(t, dir)
  t.diagnostic(`durablefetch ${manifest.version}`)
  for (const engine of ENGINES) {
    await t.test(engine, async (t) => {
      const browser = await openBrowser(engine)
      t.after(() => browser.close())
      t.diagnostic(browser.version)
      await run(t, browser, site.url)
    })
  }
}

/** Opens the page with a client of this recorder; `driver.…` are the functions of `window.driver`. */
export async function drive(browser, address, host, options = {}) {
  await browser.goto(address)
  return driverOf(browser, host, options)
}

/** The same for the page that has been loaded anew. */
export async function driverOf(browser, host, options = {}) {
  const call = (method, args) =>
    browser.evaluate((method, args) => window.driver[method](...args), method, JSON.parse(JSON.stringify(args)))
  const bounded = (method, args) => within(60_000, `${method}(${args.join(', ')})`, call(method, args))
  const driver = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : (...args) => bounded(name, args)) })
  assert.equal(await driver.make({ durablefetchHost: host, ...OPTIONS, ...options }), true, 'the client is ours')
  return driver
}
