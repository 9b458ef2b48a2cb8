// Firefox, over WebDriver BiDi.
import puppeteer from 'puppeteer-core'
import { elementOf, pageOf, settle, settling, UNCAUGHT } from './page.js'

export async function openFirefox() {
  const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
  const browser = await puppeteer.launch({ headless: true, browser: 'firefox', executablePath })
  const inContext = (context) => async () => open(await context.newPage())
  const own = await browser.createBrowserContext()
  return {
    version: (await browser.version()).replace(/^firefox\//i, 'Firefox '),
    newPage: inContext(own),
    async newContext() {
      const context = await browser.createBrowserContext()
      return { newPage: inContext(context), close: () => context.close() }
    },
    close: () => browser.close(),
  }
}

/** What Firefox itself says of a request, which its driver tells as if the page had thrown it. */
const OWN = /^Cross-Origin Request Blocked: /

function open(native) {
  const lines = []
  native.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`))
  native.on('pageerror', ({ message }) => {
    lines.push(OWN.test(message) ? `error: ${message}` : UNCAUGHT + message.replace(/^Error: /, ''))
  })
  return pageOf({
    engine: 'firefox',
    native,
    goto: async (address) => void (await native.goto(address)),
    reload: async () => void (await native.reload()),
    evaluate: async (what, ...args) => settle(await native.evaluate(settling(what, args))),
    async click(selector, text) {
      const element = (await native.evaluateHandle(elementOf(selector, text))).asElement()
      await element.click()
    },
    type: (selector, text) => native.locator(selector).fill(text),
    press: (key) => native.keyboard.press(key),
    console: async () => [...lines],
    screenshot: async () => Buffer.from(await native.screenshot()),
    close: () => native.close(),
  })
}
