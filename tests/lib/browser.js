// The system's Chromium, one for the whole file.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

// The same flags as the client's own browser tests.
const { 'goog:chromeOptions': options } = JSON.parse(
  readFileSync(new URL('../../webdriver.json', import.meta.url), 'utf8'),
)

/** `more`: options of Playwright. */
export function launchBrowser(more = {}) {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: options.args, ...more })
}

/** One with an extension in it, from its folder. Its one context is that of a person. */
export function launchWithExtension(folder) {
  const loading = [`--disable-extensions-except=${folder}`, `--load-extension=${folder}`]
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launchPersistentContext('', { executablePath, args: [...options.args, ...loading] })
}

/** The page is hidden and shown again, as far as it can tell. */
export function toBackgroundAndBack(page) {
  return page.evaluate(() => {
    for (const state of ['hidden', 'visible']) {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
      Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }
  })
}
