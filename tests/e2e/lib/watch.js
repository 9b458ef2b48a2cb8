// What the page's own requests were answered: no driver but Chromium's tells, and WebKit's tells nothing of a page's errors.
import { KEEP_LINES } from '../../lib/engines/page.js'

/** A plugin of Vite: the page begins with what notes its errors and its answers, in `window.answers`. */
export const watching = {
  name: 'watching',
  transformIndexHtml: () =>
    [KEEP_LINES, `(${watchAnswers})()`].map((children) => ({ tag: 'script', children, injectTo: 'head-prepend' })),
}

function watchAnswers() {
  window.answers = []
  const native = window.fetch
  window.fetch = async function (input, init) {
    const asked = input instanceof Request ? input : new Request(input, { ...init, body: undefined, signal: undefined })
    const headers = (from) => Object.fromEntries([...from.headers].filter(([name]) => name.startsWith('durablefetch')))
    const entry = { method: init?.method ?? asked.method, url: asked.url, headers: headers(asked) }
    const response = await native.call(this, input, init)
    window.answers.push({ ...entry, status: response.status, answered: headers(response) })
    return response
  }
}

/** How many of the page's answers so far are of this kind, `(answer) => boolean`. */
export const countAnswers = (page, kind) => page.evaluate(`() => window.answers.filter(${kind}).length`)

/** The answer of this kind after the first `from`, once it has come. */
export const untilAnswered = (page, kind, from = 0) => page.until(`() => window.answers?.filter(${kind})[${from}]`)
