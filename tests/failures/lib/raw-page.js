// A page that Playwright does not look after: it keeps every page of its own shown and focused, so that none of them
// can be hidden or frozen.
import { within } from '../../lib/deadline.js'
import { pageOf, settle, settling } from '../../lib/engines/page.js'

/** Opens it in the browser's own profile. `send(method, parameters)` is the DevTools protocol. */
export async function openRaw(browser, address) {
  const cdp = await browser.newBrowserCDPSession()
  const { targetId } = await cdp.send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: false })
  const waiting = new Map()
  const listeners = new Map()
  let last = 0
  cdp.on('Target.receivedMessageFromTarget', (event) => {
    if (event.sessionId !== sessionId) return
    const message = JSON.parse(event.message)
    if (message.method) return listeners.get(message.method)?.(message.params)
    const { resolve, reject } = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) reject(new Error(`${message.error.message} (${message.error.code})`))
    else resolve(message.result)
  })

  async function send(method, params = {}) {
    const id = (last += 1)
    const answered = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
    await cdp.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) })
    return within(60_000, method, answered)
  }

  await send('Page.enable')
  const loaded = new Promise((resolve) => listeners.set('Page.loadEventFired', resolve))
  await send('Page.navigate', { url: address })
  await within(20_000, `${address} is loaded`, loaded)
  /** What this expression, which may be a promise, comes to. */
  async function evaluate(expression) {
    const { result, exceptionDetails } = await send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  return {
    send,
    evaluate,
    /** The same as any page of an engine has it. */
    page: pageOf({
      engine: 'chromium',
      evaluate: async (what, ...args) => settle(await evaluate(settling(what, args))),
    }),
    close: () => cdp.send('Target.closeTarget', { targetId }),
  }
}
