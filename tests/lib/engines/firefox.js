// Firefox, over WebDriver BiDi.
import puppeteer from 'puppeteer-core'
import { browserOf } from './native.js'
import { UNCAUGHT } from './page.js'

/** `extension`: the folder of one. `preferences`: of Firefox itself. */
export async function openFirefox({ extension, preferences } = {}) {
  const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
  const options = { headless: true, browser: 'firefox', executablePath, extraPrefsFirefox: preferences }
  const browser = await puppeteer.launch(options)
  if (extension) await browser.installExtension(extension)
  return browserOf(browser, {
    engine: 'firefox',
    version: (await browser.version()).replace(/^firefox\//i, 'Firefox '),
    newContext: () => browser.createBrowserContext(),
    watch,
    fill: (native, selector, text) => native.locator(selector).fill(text),
  })
}

/** What Firefox itself says of a request, which its driver tells as if the page had thrown it. */
const OWN = /^(Cross-Origin Request Blocked: |Failed to load ‘)/

function watch(native, say) {
  native.on('console', (message) => say(`${message.type()}: ${message.text()}`))
  native.on('pageerror', ({ message }) => {
    say(OWN.test(message) ? `error: ${message}` : UNCAUGHT + message.replace(/^Error: /, ''))
  })
}
