// What a person does with the example's page, and what they see.
import assert from 'node:assert/strict'
import { toBackgroundAndBack } from '../../lib/browser.js'
import { within } from '../../lib/deadline.js'

export class ChatPage {
  /** Opens the page: a new chat, or the one at `address`. */
  static async open(world, address = world.site.url) {
    const page = await world.context.newPage()
    const chat = new ChatPage(page)
    page.on('pageerror', (error) => chat.errors.push(error.message))
    await chat.#arrives(() => page.goto(address))
    return chat
  }

  constructor(page) {
    this.page = page
    /** Uncaught errors of the page. */
    this.errors = []
    this.answers = page.locator('[data-role=assistant] .text')
    this.alert = page.getByRole('alert')
  }

  address() {
    return this.page.url()
  }

  /**
   * A page asks the recorder as it opens. Resolves when that is answered: the page follows what is recorded, whatever it
   * had stored itself, or it knows that there is nothing and is free to hear of questions in other tabs.
   */
  async #arrives(going) {
    const [answered] = await Promise.all([this.untilAsked(), going()])
    await this.page.getByLabel('Message', { exact: true }).waitFor()
    // Whoever waits for `ready` after this waits for the end of what is recorded.
    if (answered.status() !== 200) await this.untilStatus('ready')
  }

  async send(text) {
    await this.page.getByLabel('Message', { exact: true }).fill(text)
    await this.page.keyboard.press('Enter')
  }

  async reload() {
    await this.#arrives(() => this.page.reload())
  }

  /** Presses Stop. Resolves with the time (`Date.now()`) at which the page was told. */
  async stop() {
    const button = this.page.getByRole('button', { name: 'Stop' })
    const told = await button.evaluateHandle((element) => ({
      at: new Promise((resolve) =>
        element.addEventListener('click', () => resolve(Date.now()), { capture: true, once: true }),
      ),
    }))
    await button.click()
    return told.evaluate(({ at }) => at)
  }

  async openInSidebar(title) {
    await this.page.getByRole('link', { name: title }).click()
  }

  /** `ready`, `submitted`, `streaming`, `reconnecting` or `error`. */
  async untilStatus(status, timeout = 20_000) {
    await this.page.locator(`main[data-status=${status}]`).waitFor({ timeout })
  }

  /** Resolves when the page turns to this status from another one, after this call. */
  async turnsTo(status) {
    const turned = await this.page.evaluateHandle((wanted) => {
      const main = document.querySelector('main')
      return {
        done: new Promise((resolve) => {
          new MutationObserver((_, observer) => {
            if (main.dataset.status !== wanted) return
            observer.disconnect()
            resolve()
          }).observe(main, { attributeFilter: ['data-status'] })
        }),
      }
    }, status)
    return () =>
      within(
        20_000,
        `the status turns to ${status}`,
        turned.evaluate(({ done }) => done),
      )
  }

  /** Waits until the last answer on the page is exactly this text. */
  async untilAnswer(text, timeout = 30_000) {
    const shown = (expected) =>
      [...document.querySelectorAll('[data-role=assistant] .text')].at(-1)?.textContent === expected
    try {
      await this.page.waitForFunction(shown, text, { timeout, polling: 'raf' })
    } catch (error) {
      const actual = await this.answers
        .last()
        .textContent({ timeout: 1000 })
        .catch(() => '(no answer)')
      // Shows where they part, not two walls of text.
      assert.equal(describe(actual, text), describe(text, text), error.message)
      throw error
    }
  }

  /** Resolves when the recorder has answered a request of this page that asks for what is recorded. */
  untilAsked() {
    const asks = ({ 'durablefetch-mode': mode }) => mode === 'resume' || mode === 'replay'
    return this.page.waitForResponse((response) => asks(response.request().headers()), { timeout: 20_000 })
  }

  /** Switches to another tab and back, as far as a page can tell. */
  toBackgroundAndBack() {
    return toBackgroundAndBack(this.page)
  }

  /** From now on remembers every alert, however briefly it is shown. */
  async watchForAlerts() {
    await this.page.evaluate(() => {
      window.alertsSeen = []
      new MutationObserver(() => {
        for (const alert of document.querySelectorAll('[role=alert]')) window.alertsSeen.push(alert.textContent)
      }).observe(document.body, { subtree: true, childList: true })
    })
  }

  alerts() {
    return this.page.evaluate(() => window.alertsSeen)
  }

  /** Every message on the page, as `[role, text]`. */
  async messages() {
    return this.page
      .locator('article')
      .evaluateAll((all) => all.map((one) => [one.dataset.role, one.querySelector('.text').textContent]))
  }
}

function describe(text, reference) {
  let at = 0
  while (at < text.length && text[at] === reference[at]) at += 1
  return `${text.length} characters; at ${at}: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 60))}`
}
