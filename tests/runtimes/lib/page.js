// Opens a project's page in an engine and takes the report that it writes into itself.
import { ENGINES, openBrowser } from '../../lib/engines.js'
import { sharedBrowser } from '../../lib/shared-browser.js'

/**
 * What an engine itself says, as an error of the page, of `world.nowhere`, of a body cut by the recorder, of asking for
 * the rest of it (410), and of the icon that no page here has; Firefox also of a
 * page that is left while a service worker answers it. WebKit's driver tells nothing of it: see POWERS.
 */
const EXPECTED = {
  chromium:
    /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING)|status of 410 \(Gone\)|favicon\.ico/,
  firefox:
    /^error: (Cross-Origin Request Blocked: .*\(Reason: CORS request did not succeed\)|Failed to load ‘.*A ServiceWorker intercepted)/,
  webkit: /^$/,
}

/** A page of a development server is compiled while it is waited for. */
const REPORT_MS = 90_000

/**
 * Runs in one engine after another and resolves with what `run(engine)` has told of each, as one list. `but`: the engine that
 * POWERS says why to leave out of.
 */
export async function inEngines(run, { but } = {}) {
  const versions = []
  for (const engine of ENGINES.filter((one) => one !== but)) {
    try {
      versions.push(await run(engine))
    } catch (error) {
      error.message = `in ${engine}: ${error.message}`
      throw error
    }
  }
  return versions.join(', ')
}

/**
 * A page of somebody who was never there: in the one browser that the file has of this engine, unless there are options
 * (lib/engines.js has them), or it is WebKit, where another person is another browser anyway. It is gone after the test.
 */
export async function openPage(t, engine, options) {
  const page = options || engine === 'webkit' ? await openBrowser(engine, options) : await newPerson(engine)
  let closed
  const close = () => (closed ??= page.close())
  t.after(close)
  return { ...page, close }
}

async function newPerson(engine) {
  const { newContext, version } = await sharedBrowser(engine)
  const { newPage, close } = await newContext()
  return { ...(await newPage()), version, close }
}

/** What the page's console has of errors, but for what the engine itself says of this world. */
export async function errorsOf(page) {
  const lines = await page.console()
  return lines.filter((line) => /^(error|uncaught): /.test(line) && !EXPECTED[page.engine].test(line))
}

/** The address of a page with what it needs to know, in its query, or in its fragment if it has one. */
export function addressOf(address, world) {
  if (address.endsWith('#')) return address + world.query
  return `${address}${address.includes('?') ? '&' : '?'}${world.query}`
}

/** Resolves with `{ report, errors, browser }`: the page's report, its other errors, the browser's version. */
export async function readPage(t, engine, address, world, options) {
  const page = await openPage(t, engine, options)
  await page.goto(addressOf(address, world))
  const report = await reportOf(page, world)
  const errors = await errorsOf(page)
  await page.close()
  return { report, errors, browser: page.version }
}

/** The JSON in this element, or in its attribute, once there is one: by default the report. */
export async function reportOf(page, world, selector = '#report[data-done]', attribute = '') {
  try {
    return JSON.parse(await page.untilWithin(REPORT_MS, read, selector, attribute))
  } catch (error) {
    const lines = (await page.console()).join('\n')
    const html = await page.evaluate(() => document.documentElement.outerHTML.slice(0, 2000)).catch(String)
    error.message += `\nthe page's console:\n${lines}\nthe page:\n${html}\nthe recorder:\n${world.recorderOutput()}`
    throw error
  }
}

function read(selector, attribute) {
  const element = document.querySelector(selector)
  return attribute ? element?.getAttribute(attribute) : element?.textContent
}
