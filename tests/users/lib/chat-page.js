// A chat (or completion) of one version of the AI SDK, as a person uses it.
import assert from 'node:assert/strict'
import { toBackgroundAndBack } from '../../lib/browser.js'

export class ChatPage {
  /** `options`: words that the page knows in its address; `reuse`: of its client; `id`: of a chat that another page has opened. */
  static async open(
    t,
    { site, browser, world, version, page: name = 'ai', id = crypto.randomUUID(), options = [], reuse },
  ) {
    const page = await browser.newPage()
    t.after(() => page.close())
    const query = new URLSearchParams({
      recorder: world.proxy.url,
      upstream: world.upstream.url,
      id,
    })
    for (const option of options) query.set(option, '1')
    if (reuse) query.set('reuse', reuse)
    const chat = new ChatPage(page, id)
    page.on('pageerror', (error) => chat.errors.push(error.message))
    await page.goto(`${site.url}/${name}-${version}?${query}`)
    await page.locator('main').first().waitFor({ state: 'attached', timeout: 20_000 })
    assert.equal(await page.evaluate(() => window.isOurs), true, 'the client under test is ours')
    return chat
  }

  constructor(page, id) {
    this.page = page
    this.id = id
    /** POSTs of messages, and the resumes: how many were made, and how many were open at once at most. */
    this.asked = { sent: 0, resumed: 0, open: 0, most: 0 }
    page.on('request', (request) => this.#count(request, 1))
    for (const over of ['requestfinished', 'requestfailed']) page.on(over, (request) => this.#count(request, -1))
    /** Uncaught errors of the page. */
    this.errors = []
  }

  #count(request, by) {
    const { asked } = this
    const { 'durablefetch-mode': mode } = request.headers()
    if (mode === 'restart' && by > 0) asked.sent += 1
    if (mode !== 'resume') return
    if (by > 0) asked.resumed += 1
    asked.open += by
    asked.most = Math.max(asked.most, asked.open)
  }

  press(name) {
    return this.page.getByRole('button', { name, exact: true }).click()
  }

  /** Resolves when the page has asked the recorder whether there is something to resume. */
  untilAsked(mode = 'resume') {
    return this.page.waitForResponse((response) => response.request().headers()['durablefetch-mode'] === mode, {
      timeout: 20_000,
    })
  }

  /** Resolves when a message or prompt that the page sends from now on is being answered. */
  untilPosted() {
    const posted = (response) => response.request().method() === 'POST' && 'durablefetch-state' in response.headers()
    return this.page.waitForResponse(posted, { timeout: 20_000 })
  }

  /** Switches to another tab and back, as far as a page can tell. */
  toBackgroundAndBack() {
    return toBackgroundAndBack(this.page)
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
