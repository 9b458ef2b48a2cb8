// Opens a project's page in Chromium and takes the report that it writes into itself.
import { launchBrowser } from '../../lib/browser.js'

// What Chromium itself says of `world.nowhere`, of a body cut by the recorder and of asking for the rest of it (410).
const EXPECTED =
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING)|status of 410 \(Gone\)|favicon\.ico/

/** Resolves with `{ report, errors, browser }`: the page's report, its other errors, the browser's version. */
export async function readPage(t, address, world) {
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const page = await browser.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location().url}`
    if (message.type() === 'error' && !EXPECTED.test(text)) errors.push(text)
  })
  await page.goto(`${address}${address.includes('?') ? '&' : '?'}${world.query}`)
  const out = page.locator('#report[data-done]')
  await out.waitFor({ state: 'attached', timeout: 90_000 }).catch((error) => {
    throw new Error(
      `${error.message}\nthe page's errors: ${errors.join('\n')}\nthe recorder: ${world.recorderOutput()}`,
    )
  })
  const report = JSON.parse(await out.textContent())
  await browser.close()
  return { report, errors, browser: `Chromium ${browser.version()}` }
}
