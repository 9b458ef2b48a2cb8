// Chromium, by Playwright's core.
import { launchBrowser, launchWithExtension } from '../browser.js'
import { browserOf } from './native.js'
import { UNCAUGHT } from './page.js'

/** `extension`: the folder of one. Its browser has one person. `chromium`: more options of the driver. */
export async function openChromium({ extension, chromium } = {}) {
  const context = extension && (await launchWithExtension(extension))
  const browser = context?.browser() ?? (await launchBrowser(chromium))
  return browserOf(browser, {
    engine: 'chromium',
    version: `Chromium ${browser.version()}`,
    newContext: () => context ?? browser.newContext({ ignoreHTTPSErrors: true }),
    pid: () => pidOf(browser),
    offline: (native, yes) => native.context().setOffline(yes),
    watch,
    fill: (native, selector, text) => native.locator(selector).first().fill(text),
  })
}

function watch(native, say) {
  native.on('console', (message) => {
    const { url } = message.location()
    // It does not say what it could not load.
    const about = message.text().startsWith('Failed to load resource') ? ` ${url}` : ''
    say(`${message.type()}: ${message.text()}${about}`)
  })
  native.on('pageerror', (error) => say(UNCAUGHT + error.message))
}

/** Playwright does not tell. */
async function pidOf(browser) {
  const cdp = await browser.newBrowserCDPSession()
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo')
  await cdp.detach()
  return processInfo.find(({ type }) => type === 'browser').id
}
