// The page of `tests/lib/page`, with the packed package in it, and a driver for what its responses do.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../../lib/browser.js'
import { within } from '../../lib/deadline.js'
import { freshProject } from '../../lib/project.js'
import { serveStatic } from '../../lib/static.js'
import { openRaw } from './raw-page.js'

/** Short delays, so that tests take seconds; long enough that a busy machine is not a failure. */
export const OPTIONS = { retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 30_000 } }

/** Served and opened as often as need be; gone after the test. `more`: options of Playwright's launch. */
export async function startPages(t, more) {
  const { dir, manifest, files } = await freshProject(t, fileURLToPath(new URL('../../lib/page', import.meta.url)))
  // npm has an older package of this name: without WebAssembly.
  assert.ok(
    files.some((file) => file.endsWith('.wasm')),
    `the package under test is not ours: ${files}`,
  )
  const site = await serveStatic(t, dir)
  const browser = await launchBrowser(more)
  t.after(() => browser.close())
  t.diagnostic(`durablefetch ${manifest.version}, Chromium ${browser.version()}`)
  return {
    dir,
    url: site.url,
    browser,
    /**
     * A page in a context of its own, with a client of this recorder. `before` runs in it before anything else;
     * `prepare` gets the context.
     */
    async open(t, host, options = {}, { address = site.url, before, prepare } = {}) {
      const context = await browser.newContext()
      t.after(() => context.close())
      await prepare?.(context)
      if (before) await context.addInitScript(before)
      return drive(await context.newPage(), address, { durablefetchHost: host, ...OPTIONS, ...options })
    },
    /** One that Playwright does not keep shown: it can be hidden and frozen. */
    async openRaw(t, host, options = {}) {
      const raw = await openRaw(browser, site.url)
      t.after(() => raw.close())
      await raw.evaluate('new Promise((resolve) => (window.driver ? resolve() : addEventListener("load", resolve)))')
      const call = (method, args) => raw.evaluate(`window.driver.${method}(...${JSON.stringify(args)})`)
      return made(driverOf({ raw, errors: [] }, call), { durablefetchHost: host, ...OPTIONS, ...options })
    },
  }
}

async function drive(page, address, options) {
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(address)
  const call = (method, args) => page.evaluate(([method, args]) => window.driver[method](...args), [method, args])
  return made(driverOf({ page, errors }, call), options)
}

/** The functions of `window.driver`, and `own`. */
function driverOf(own, call) {
  const bounded = (method, args) => within(60_000, `${method}(${args.join(', ')})`, call(method, args))
  const get = (own, name) => (name === 'then' ? undefined : (own[name] ?? ((...args) => bounded(name, args))))
  return new Proxy(own, { get })
}

async function made(driver, options) {
  assert.equal(await driver.make(options), true, 'the client under test is ours')
  return driver
}
