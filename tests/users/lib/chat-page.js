// A chat (or completion) of one version of the AI SDK, as a person uses it.
import assert from 'node:assert/strict'

export class ChatPage {
  /** `options`: `plain` (`fetch: df.fetch` only) or `completion`. */
  static async open(t, { site, browser, world, version, options = [] }) {
    const page = await browser.newPage()
    t.after(() => page.close())
    const query = new URLSearchParams({
      recorder: world.proxy.url,
      upstream: world.upstream.url,
      id: crypto.randomUUID(),
    })
    for (const option of options) query.set(option, '1')
    const chat = new ChatPage(page)
    page.on('pageerror', (error) => chat.errors.push(error.message))
    await page.goto(`${site.url}/ai-${version}?${query}`)
    await chat.untilStatus('ready')
    assert.equal(await page.evaluate(() => window.isOurs), true, 'the client under test is ours')
    return chat
  }

  constructor(page) {
    this.page = page
    /** Uncaught errors of the page. */
    this.errors = []
  }

  press(name) {
    return this.page.getByRole('button', { name, exact: true }).click()
  }

  /** Resolves when the page has asked the recorder whether there is something to resume. */
  untilAsked() {
    return this.page.waitForResponse((response) => response.request().headers()['durablefetch-mode'] === 'resume', {
      timeout: 20_000,
    })
  }

  untilStatus(status) {
    return this.page.locator(`main[data-status=${status}]`).waitFor({ state: 'attached', timeout: 20_000 })
  }

  /** Waits until the last answer is exactly this text. */
  async untilAnswer(text) {
    const shown = (text) => [...document.querySelectorAll('[data-role=assistant]')].at(-1)?.textContent === text
    await this.page.waitForFunction(shown, text, { timeout: 20_000, polling: 'raf' }).catch(async (error) => {
      assert.equal(JSON.stringify(await this.state()), text, error.message)
    })
  }

  /** Roles of the messages, status and error. */
  state() {
    return this.page.evaluate(() => ({
      roles: [...document.querySelectorAll('[data-role]')].map((one) => one.dataset.role),
      last: [...document.querySelectorAll('[data-role=assistant]')].at(-1)?.textContent,
      ...document.querySelector('main').dataset,
    }))
  }
}
