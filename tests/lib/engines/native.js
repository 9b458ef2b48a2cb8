// What Playwright's and Puppeteer's browsers have in common.
import { elementOf, pageOf, settle, settling } from './page.js'

/**
 * - `newContext()`: of the driver.
 * - `watch(native, say)`: says each line of a page's console.
 * - `fill(native, selector, text)`: replaces what the first element of the selector has.
 */
export async function browserOf(browser, { engine, version, newContext, watch, fill }) {
  const newPerson = async () => {
    const context = await newContext()
    const newPage = async () => open(engine, await context.newPage(), watch, fill)
    return { newPage, close: () => context.close() }
  }
  const { newPage } = await newPerson()
  return { version, newPage, newContext: newPerson, close: () => browser.close() }
}

function open(engine, native, watch, fill) {
  const lines = []
  watch(native, (line) => lines.push(line))
  return pageOf({
    engine,
    native,
    goto: async (address) => void (await native.goto(address)),
    reload: async () => void (await native.reload()),
    // As an expression: a policy of the page that forbids `eval` does not keep it from being evaluated.
    evaluate: async (what, ...args) => settle(await native.evaluate(settling(what, args))),
    async click(selector, text) {
      const element = (await native.evaluateHandle(elementOf(selector, text))).asElement()
      await element.click()
    },
    type: (selector, text) => fill(native, selector, text),
    press: (key) => native.keyboard.press(key),
    console: async () => [...lines],
    screenshot: async () => Buffer.from(await native.screenshot()),
    close: () => native.close(),
  })
}
