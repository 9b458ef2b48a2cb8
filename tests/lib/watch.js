// What the page's own requests were answered: no driver but Chromium's tells, and WebKit's tells nothing of a page's errors.
import { KEEP_LINES } from './engines/page.js'

/** Scripts that a page begins with: they note its errors, and its answers in `window.answers`. */
export const WATCHING = [KEEP_LINES, `(${watchAnswers})()`]

/** A plugin of Vite: the page begins with them. */
export const watching = {
  name: 'watching',
  transformIndexHtml: () => WATCHING.map((children) => ({ tag: 'script', children, injectTo: 'head-prepend' })),
}

/**
 * `answers`: what has been answered, in this order. `requests`: what was asked, with what each was answered; `over` once its body
 * is read to its end, or is not read any more.
 */
function watchAnswers() {
  window.answers = []
  window.requests = []
  const native = window.fetch
  window.fetch = async function (input, init) {
    const asked = input instanceof Request ? input : new Request(input, { ...init, body: undefined, signal: undefined })
    const headers = (from) => Object.fromEntries([...from.headers].filter(([name]) => name.startsWith('durablefetch')))
    const entry = { method: init?.method ?? asked.method, url: asked.url, headers: headers(asked), over: false }
    const over = () => (entry.over = true)
    window.requests.push(entry)
    try {
      const response = await native.call(this, input, init)
      window.answers.push(Object.assign(entry, { status: response.status, answered: headers(response) }))
      const { body } = response
      if (!body) return over() && response
      const getReader = body.getReader
      body.getReader = function (...args) {
        const reader = getReader.apply(this, args)
        reader.closed.then(over, over)
        return reader
      }
      return response
    } catch (error) {
      over()
      throw error
    }
  }
}

/** How many of the page's answers so far are of this kind, `(answer) => boolean`. */
export const countAnswers = (page, kind) => page.evaluate(`() => window.answers.filter(${kind}).length`)

/** The answer of this kind after the first `from`, once it has come. */
export const untilAnswered = (page, kind, from = 0) => page.until(`() => window.answers?.filter(${kind})[${from}]`)
