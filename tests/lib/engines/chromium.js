// Chromium, by Playwright's core.
import { launchBrowser } from '../browser.js'
import { elementOf, pageOf, settle, settling, UNCAUGHT } from './page.js'

export async function openChromium() {
  const browser = await launchBrowser()
  const inContext = (context) => async () => open(await context.newPage())
  const own = await browser.newContext()
  return {
    version: `Chromium ${browser.version()}`,
    newPage: inContext(own),
    async newContext() {
      const context = await browser.newContext()
      return { newPage: inContext(context), close: () => context.close() }
    },
    close: () => browser.close(),
  }
}

function open(native) {
  const lines = []
  native.on('console', (message) => {
    const { url } = message.location()
    // It does not say what it could not load.
    const about = message.text().startsWith('Failed to load resource') ? ` ${url}` : ''
    lines.push(`${message.type()}: ${message.text()}${about}`)
  })
  native.on('pageerror', (error) => lines.push(UNCAUGHT + error.message))
  return pageOf({
    engine: 'chromium',
    native,
    goto: async (address) => void (await native.goto(address)),
    reload: async () => void (await native.reload()),
    // As an expression: a policy of the page that forbids `eval` does not keep it from being evaluated.
    evaluate: async (what, ...args) => settle(await native.evaluate(settling(what, args))),
    async click(selector, text) {
      const element = (await native.evaluateHandle(elementOf(selector, text))).asElement()
      await element.click()
    },
    type: (selector, text) => native.locator(selector).first().fill(text),
    press: (key) => native.keyboard.press(key),
    console: async () => [...lines],
    screenshot: () => native.screenshot(),
    close: () => native.close(),
  })
}
