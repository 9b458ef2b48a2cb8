// One way to drive pages in Chromium, Firefox and WebKit.
import { openChromium } from './engines/chromium.js'
import { openFirefox } from './engines/firefox.js'
import { openWebKit } from './engines/webkit.js'

const OPEN = { chromium: openChromium, firefox: openFirefox, webkit: openWebKit }

/** What tests that are the same in every engine run in: all of them, or those that ENGINE names (`firefox,webkit`). */
export const ENGINES = process.env.ENGINE?.split(',') ?? Object.keys(OPEN)

/**
 * A browser with one page in it, which has the functions of a page (engines/page.js), and:
 * - `engine`, `version`: `'chromium'`, `'Chromium 156.0'`.
 * - `newPage()`: one more, of the same person: storage and channels are shared.
 * - `newContext()`: another person, as `{ newPage(), close() }`.
 * - `processes()`: the ids of all that it consists of.
 * - `close()`: the whole browser.
 * - `driver`: the browser of the driver, for what only one engine can do.
 *
 * `options`: of what only some engines can do, such as an extension; `chromium` are more options of its driver.
 */
export async function openBrowser(engine, options) {
  if (!OPEN[engine]) throw new Error(`ENGINE: ${engine} is not one of ${Object.keys(OPEN).join(', ')}`)
  const browser = await OPEN[engine](options)
  const { close: _, ...page } = await browser.newPage()
  return { ...page, ...browser, engine }
}
