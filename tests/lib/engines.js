// One way to drive a page in Chromium, Firefox and WebKit.
import { readFileSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import { openWebKit } from './webkit.js'

/** What tests that are the same in every engine run in. */
export const ENGINES = ['chromium', 'firefox', 'webkit']

const { 'goog:chromeOptions': chromium } = JSON.parse(
  readFileSync(new URL('../../webdriver.json', import.meta.url), 'utf8'),
)
const LAUNCH = {
  chromium: { browser: 'chrome', executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: chromium.args },
  // Over WebDriver BiDi.
  firefox: { browser: 'firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr' },
}

/**
 * A browser with one page in it:
 * - `goto(address)`, `reload()`: resolve once the page has loaded.
 * - `evaluate(what, ...args)`: what this function returns in the page, or the promise of it. Arguments and result are JSON.
 *   Rejects with what the function throws.
 * - `console()`: the lines that the page has written since it was opened, uncaught errors among them.
 * - `screenshot()`: a PNG.
 * - `close()`: the whole browser.
 */
export function openBrowser(engine) {
  return engine === 'webkit' ? openWebKit() : open(engine)
}

async function open(engine) {
  const browser = await puppeteer.launch({ headless: true, ...LAUNCH[engine] })
  const page = await browser.newPage()
  const lines = []
  page.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => lines.push(`uncaught: ${error.message}`))
  return {
    engine,
    version: await browser.version(),
    goto: async (address) => void (await page.goto(address)),
    reload: async () => void (await page.reload()),
    evaluate: (what, ...args) => page.evaluate(what, ...args),
    console: async () => [...lines],
    screenshot: async () => Buffer.from(await page.screenshot()),
    close: () => browser.close(),
  }
}
