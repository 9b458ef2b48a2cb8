// A chat (or completion) of one version of the AI SDK, as a person uses it.
import assert from 'node:assert/strict'
import { toBackgroundAndBack } from '../../lib/browser.js'
import { countAnswers, untilAnswered } from '../../lib/watch.js'

const posted = (answer) => answer.method === 'POST' && 'durablefetch-state' in answer.answered
const inMode = (mode) => `(answer) => answer.headers['durablefetch-mode'] === '${mode}'`

export class ChatPage {
  /** `options`: words that the page knows in its address; `reuse`: of its client; `id`: of a chat that another page has opened. */
  static async open(
    t,
    { site, browser, world, version, page: name = 'ai', id = crypto.randomUUID(), options = [], reuse },
  ) {
    const page = await browser.newPage()
    const chat = new ChatPage(page, id)
    t.after(() => chat.close())
    const query = new URLSearchParams({
      recorder: world.proxy.url,
      upstream: world.upstream.url,
      id,
    })
    for (const option of options) query.set(option, '1')
    if (reuse) query.set('reuse', reuse)
    await page.goto(`${site.url}/${name}-${version}?${query}`)
    await page.until(() => document.querySelector('main') !== null)
    assert.equal(await page.evaluate(() => window.isOurs), true, 'the client under test is ours')
    return chat
  }

  constructor(page, id) {
    this.page = page
    this.id = id
  }

  close() {
    this.closed ??= this.page.close()
    return this.closed
  }

  /** Uncaught errors of the page. */
  errors() {
    return this.page.errors()
  }

  /** Messages that were sent, resumes that were asked for, and those of them that are open. */
  asked() {
    return this.page.evaluate(() => {
      const of = (mode) => window.requests.filter(({ headers }) => headers['durablefetch-mode'] === mode)
      const resumes = of('resume')
      // What is sent again after a cut has the same id.
      const sent = new Set(of('restart').map(({ headers }) => headers['durablefetch-request'])).size
      return { sent, resumed: resumes.length, open: resumes.filter(({ over }) => !over).length }
    })
  }

  press(name) {
    return this.page.click('button', name)
  }

  /** Resolves with what the recorder has answered this page, since it was loaded, when it asked whether there is something to resume. */
  untilAsked() {
    return untilAnswered(this.page, inMode('resume'))
  }

  /** Begins to watch. The function it resolves with resolves once the page has been answered in this mode. */
  async asksAgain(mode) {
    const before = await countAnswers(this.page, inMode(mode))
    return () => untilAnswered(this.page, inMode(mode), before)
  }

  /** Begins to watch. The function it resolves with resolves once a message or prompt that the page sends is being answered. */
  async posts() {
    const before = await countAnswers(this.page, posted)
    return () => untilAnswered(this.page, posted, before)
  }

  /** Switches to another tab and back, as far as a page can tell. */
  toBackgroundAndBack() {
    return toBackgroundAndBack(this.page)
  }

  untilStatus(status) {
    return this.page.until((status) => document.querySelector(`main[data-status=${status}]`) !== null, status)
  }

  /** Waits until the last answer is exactly this text. */
  async untilAnswer(text) {
    const shown = (text) => [...document.querySelectorAll('[data-role=assistant]')].at(-1)?.textContent === text
    await this.page.until(shown, text).catch(async (error) => {
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
