// What Playwright's and Puppeteer's browsers have in common.
import { elementOf, pageOf, settle, settling } from './page.js'
import { processesOf } from './processes.js'

/**
 * - `newContext()`: of the driver.
 * - `watch(native, say)`: says each line of a page's console.
 * - `fill(native, selector, text)`: replaces what the first element of the selector has.
 * - `offline(native, yes)`: takes the network away from a page, or gives it back.
 * - `pid()`: of the browser's first process.
 */
export async function browserOf(browser, { engine, version, newContext, watch, fill, offline, pid }) {
  const newPerson = async () => {
    const context = await newContext()
    const newPage = async () => open(engine, await context.newPage(), { watch, fill, offline })
    return { newPage, close: () => context.close() }
  }
  const { newPage } = await newPerson()
  const processes = async () => processesOf(await pid())
  return { version, newPage, newContext: newPerson, processes, driver: browser, close: () => browser.close() }
}

function open(engine, native, { watch, fill, offline }) {
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
    offline: (yes) => offline(native, yes),
    console: async () => [...lines],
    screenshot: async () => Buffer.from(await native.screenshot()),
    close: () => native.close(),
  })
}
