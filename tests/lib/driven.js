// The page of `page/` in one of the engines, as its tests use it: `driver.…` are the functions of `window.driver`.
import assert from 'node:assert/strict'
import { within } from './deadline.js'

/** Short delays, so that tests take seconds; long enough that a busy machine is not a failure. */
export const OPTIONS = { retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 30_000 } }

/** Opens it, with a client of this recorder. */
export async function drive(page, address, host, options = {}) {
  await page.goto(address)
  return driverOf(page, host, options)
}

/** The same for a page that has been loaded. `driver.page` is the engine's. */
export async function driverOf(page, host, options = {}) {
  await page.until(() => window.driver)
  const call = (method, args) =>
    page.evaluate((method, args) => window.driver[method](...args), method, JSON.parse(JSON.stringify(args)))
  const bounded = (method, args) => within(60_000, `${method}(${args.join(', ')})`, call(method, args))
  const own = { page }
  const get = (own, name) => (name === 'then' ? undefined : (own[name] ?? ((...args) => bounded(name, args))))
  const driver = new Proxy(own, { get })
  const isOurs = await driver.make({ durablefetchHost: host, ...OPTIONS, ...options })
  assert.equal(isOurs, true, 'the client under test is ours')
  return driver
}
