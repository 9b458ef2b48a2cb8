// What a person does with the example's page, and what they see.
import assert from 'node:assert/strict'
import { toBackgroundAndBack } from '../../lib/browser.js'
import { countAnswers, untilAnswered } from '../../lib/watch.js'

const INPUT = '[aria-label=Message]'
/** A page asks for what is recorded: after it has opened, or has come back to the front. */
const asks = ({ headers }) => ['resume', 'replay'].includes(headers['durablefetch-mode'])

export class ChatPage {
  /** Opens the page: a new chat, or the one at `address`. */
  static async open(world, address = world.site.url) {
    const chat = new ChatPage(await world.context.newPage())
    await chat.page.goto(address)
    await chat.#arrived()
    return chat
  }

  /** The same where the site is not the tests' own: nothing notes what the page is answered (watch.js). */
  static async openUnwatched(world) {
    const chat = new ChatPage(await world.context.newPage())
    await chat.page.goto(world.site.url)
    await chat.untilSeen(INPUT)
    await chat.untilStatus('ready')
    return chat
  }

  constructor(page) {
    this.page = page
  }

  /** Uncaught errors of the page. */
  errors() {
    return this.page.errors()
  }

  address() {
    return this.page.url()
  }

  /**
   * A page asks the recorder as it opens. Resolves when that is answered: the page follows what is recorded, whatever it
   * had stored itself, or it knows that there is nothing and is free to hear of questions in other tabs.
   */
  async #arrived() {
    const { status } = await untilAnswered(this.page, asks)
    await this.untilSeen(INPUT)
    // A `ready` after this is the end of what is recorded.
    if (status !== 200) await this.untilStatus('ready')
  }

  async send(text) {
    await this.page.type(INPUT, text)
    await this.page.press('Enter')
  }

  async reload() {
    await this.page.reload()
    await this.#arrived()
  }

  press(button) {
    return this.page.click('button', button)
  }

  /** Presses Stop. Resolves with the time (`Date.now()`) at which the page was told. */
  async stop() {
    await this.page.evaluate(() => {
      const told = () => (window.stoppedAt = Date.now())
      addEventListener('click', told, { capture: true, once: true })
    })
    await this.press('Stop')
    return this.page.until(() => window.stoppedAt)
  }

  openInSidebar(title) {
    return this.page.click('a', title)
  }

  /** Waits until the page has an element of this selector that contains this text. */
  untilSeen(selector, text = '') {
    const seen = (selector, text) =>
      [...document.querySelectorAll(selector)].some((one) => one.textContent.includes(text))
    return this.page.until(seen, selector, text)
  }

  /** `ready`, `submitted`, `streaming`, `reconnecting` or `error`. */
  async untilStatus(status) {
    await this.untilSeen(`main[data-status=${status}]`)
  }

  /** Begins to watch. The function it resolves with resolves once the page has turned to this status from another one. */
  async turnsTo(status) {
    await this.page.evaluate((wanted) => {
      const main = document.querySelector('main')
      window.turned = undefined
      new MutationObserver((_, observer) => {
        if (main.dataset.status !== wanted) return
        observer.disconnect()
        window.turned = wanted
      }).observe(main, { attributeFilter: ['data-status'] })
    }, status)
    return () => this.page.until((wanted) => window.turned === wanted, status)
  }

  /** Waits until the last answer on the page is exactly this text. */
  async untilAnswer(text) {
    const shown = (expected) =>
      [...document.querySelectorAll('[data-role=assistant] .text')].at(-1)?.textContent === expected
    try {
      await this.page.until(shown, text)
    } catch (error) {
      const actual = (await this.messages()).findLast(([role]) => role === 'assistant')?.[1] ?? '(no answer)'
      // Shows where they part, not two walls of text.
      assert.equal(describe(actual, text), describe(text, text))
      throw error
    }
  }

  /** Begins to watch. The function it resolves with resolves once the recorder has answered a question for what is recorded. */
  async asksAgain() {
    const before = await countAnswers(this.page, asks)
    return () => untilAnswered(this.page, asks, before)
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
  messages() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('article')].map((one) => [
        one.dataset.role,
        one.querySelector('.text').textContent,
      ]),
    )
  }
}

function describe(text, reference) {
  let at = 0
  while (at < text.length && text[at] === reference[at]) at += 1
  return `${text.length} characters; at ${at}: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 60))}`
}
