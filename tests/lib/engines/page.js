// What a page can be asked, in terms of what each engine's driver can do.
import { within } from '../deadline.js'

/** How long a page has for what is waited for. */
const WAIT_MS = 30_000
/** How often a page is asked, where no event of its driver tells: at first, and after a long time. */
const POLL_MS = 10
const POLL_MAX_MS = 200

/**
 * - `goto(address)`, `reload()`: resolve once the page has loaded.
 * - `url()`, `title()`.
 * - `evaluate(what, ...args)`: what this function returns in the page, or the promise of it. Arguments and result are JSON.
 *   Rejects with the words of what the function throws, as `TypeError: no`.
 * - `until(what, ...args)`: evaluates the function until it returns something, which it resolves with. The page may be
 *   loaded anew meanwhile. `untilWithin(ms, what, ...args)`: with more or less patience.
 * - `click(selector, text)`: a person's click on the first element of this selector whose text or label has this in it, once there
 *   is one that is enabled.
 * - `type(selector, text)`: a person's: replaces what the element has. `press('Enter')`: a key.
 * - `console()`: the lines that the page has written since it was opened, as `type: text`. `errors()`: what it has thrown
 *   and nothing has caught. WebKit's driver tells neither: a page whose lines matter while it loads begins with a script
 *   of `KEEP_LINES`.
 * - `offline(yes)`: takes the network away, or gives it back. WebKit's driver cannot.
 * - `screenshot()`: a PNG.
 * - `close()`.
 * - `native`: the page of the driver, for what only one engine can do.
 */
export function pageOf(driver) {
  const page = { ...driver }
  page.url = () => driver.evaluate(() => location.href)
  page.title = () => driver.evaluate(() => document.title)
  page.untilWithin = (ms, what, ...args) =>
    within(ms, `in ${driver.engine}: ${what}(${JSON.stringify(args).slice(1, -1)})`, poll(page, ms, what, args))
  page.until = (what, ...args) => page.untilWithin(WAIT_MS, what, ...args)
  page.click = async (selector, text = '') => {
    await page.until(isThere, selector, text)
    await driver.click(selector, text)
  }
  page.type = async (selector, text) => {
    await page.until(isThere, selector, '')
    await driver.type(selector, text)
  }
  page.errors = async () =>
    (await driver.console()).filter((line) => line.startsWith(UNCAUGHT)).map((line) => line.slice(UNCAUGHT.length))
  return page
}

/**
 * The expression that evaluates `what`, for `settle`. Results and what is thrown come as the same words from each engine: WebDriver
 * has `null` for what is not defined.
 */
export const settling = (what, args) =>
  `Promise.resolve().then(() => (${what})(...${JSON.stringify(args)}))
    .then((result) => ({ json: JSON.stringify(result) ?? '' }), (error) => ({ failed: String(error) }))`
export function settle({ failed, json }) {
  if (json === undefined) throw new Error(failed)
  return json === '' ? undefined : JSON.parse(json)
}

/** How `console()` begins the lines of errors that nothing has caught. */
export const UNCAUGHT = 'uncaught: '

async function poll(page, ms, what, args) {
  const since = performance.now()
  for (let waited = 0; waited < ms; waited = performance.now() - since) {
    const result = await page.evaluate(what, ...args).catch((error) => {
      // A page that is left while it is asked has no answer; the next one has.
      if (!LEFT.test(error.message)) throw error
    })
    if (result) return result
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MAX_MS, POLL_MS + waited / 50)))
  }
  // `within` has said that it is late, or does now: to resolve would be an answer.
  return new Promise(() => {})
}

const LEFT =
  /context was destroyed|navigat|no such (frame|window)|detached|DiscardedBrowsingContext|actor|page was left/i

/** The element that `click` means, as the body of a function of `selector` and `text`. */
export const FIND = `return [...document.querySelectorAll(selector)].find(
    (one) => ((one.ariaLabel ?? '') + one.textContent).includes(text) && !one.disabled)`
const isThere = `(selector, text) => ((() => { ${FIND} })() !== undefined)`

/** The same as an expression. */
export const elementOf = (selector, text) =>
  `((selector, text) => { ${FIND} })(${JSON.stringify(selector)}, ${JSON.stringify(text)})`

/** A script that keeps what is written on the console, for a driver that does not tell. */
export const KEEP_LINES = `(() => {
  if (window.__lines) return
  const lines = (window.__lines = [])
  const text = (value) => (typeof value === 'string' ? value : value instanceof Error ? String(value) : JSON.stringify(value))
  for (const type of ['debug', 'error', 'info', 'log', 'warn']) {
    const own = console[type].bind(console)
    console[type] = (...args) => (own(...args), lines.push(type + ': ' + args.map(text).join(' ')))
  }
  addEventListener('error', ({ message }) => lines.push('${UNCAUGHT}' + message.replace(/^Uncaught /, '').replace(/^Error: /, '')))
  addEventListener('unhandledrejection', ({ reason }) => lines.push('${UNCAUGHT}' + text(reason).replace(/^Error: /, '')))
})()`
