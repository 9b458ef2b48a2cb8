// How a fetch fails, and with what.
import { outcome } from './outcome.js'

const own = () => new Error('a reason of its own')
/** Reads the first chunk, then does `act`, then reads on. */
const midBody = async ({ fetch, url }, signal, act, reason) => {
  const answer = await fetch(url('/first-then-nothing'), { signal })
  const reader = answer.body.getReader()
  await reader.read()
  const rest = outcome(() => reader.read(), reason)
  act()
  return rest
}
const bad = (name, init, address = ({ url }) => url('/text')) => ({
  name,
  run: (at) => outcome(() => at.fetch(address(at), init)),
  is: 'TypeError',
})

/** The standard's, which df.fetch keeps to. */
const reasons =
  'WebKit knows no reasons of an abort: it always gives an `AbortError`. df.fetch gives the reason, as the Fetch standard wants it'
const reasonless = (ours) => ({ webkit: { native: 'AbortError', ours, because: reasons } })

export const rejections = [
  {
    name: 'a signal that is already aborted',
    run: ({ fetch, url }) => {
      const signal = AbortSignal.abort()
      return outcome(() => fetch(url('/text'), { signal }), signal.reason)
    },
    is: "the signal's reason",
  },
  {
    name: 'a signal that is already aborted: the default reason',
    run: ({ fetch, url }) => outcome(() => fetch(url('/text'), { signal: AbortSignal.abort() })),
    is: 'AbortError',
  },
  {
    name: 'an aborted signal: the server is not asked',
    run: async ({ fetch, url }) => {
      const address = url('/count')
      await outcome(() => fetch(address, { signal: AbortSignal.abort() }))
      return (await fetch(address)).text()
    },
    is: '1',
  },
  {
    name: 'abort before the head',
    run: ({ fetch, url }) => {
      const controller = new AbortController()
      const attempt = outcome(() => fetch(url('/no-answer'), { signal: controller.signal }))
      controller.abort()
      return attempt
    },
    is: 'AbortError',
  },
  {
    name: 'abort before the head, with a reason',
    run: ({ fetch, url }) => {
      const [controller, reason] = [new AbortController(), own()]
      const attempt = outcome(() => fetch(url('/no-answer'), { signal: controller.signal }), reason)
      controller.abort(reason)
      return attempt
    },
    is: "the signal's reason",
    in: reasonless("the signal's reason"),
  },
  {
    name: 'abort with a reason that is not an error',
    run: ({ fetch, url }) => {
      const controller = new AbortController()
      const attempt = outcome(() => fetch(url('/no-answer'), { signal: controller.signal }), 'enough')
      controller.abort('enough')
      return attempt
    },
    is: "the signal's reason",
    in: reasonless("the signal's reason"),
  },
  {
    name: 'abort at the head: then `text()`',
    run: async ({ fetch, url }) => {
      const controller = new AbortController()
      const answer = await fetch(url('/first-then-nothing'), { signal: controller.signal })
      controller.abort()
      return outcome(() => answer.text())
    },
    is: 'AbortError',
  },
  {
    name: 'abort mid-body, a read waiting',
    run: (at) => {
      const controller = new AbortController()
      return midBody(at, controller.signal, () => controller.abort())
    },
    is: 'AbortError',
  },
  {
    name: 'abort mid-body, with a reason',
    run: (at) => {
      const [controller, reason] = [new AbortController(), own()]
      return midBody(at, controller.signal, () => controller.abort(reason), reason)
    },
    is: "the signal's reason",
    in: reasonless("the signal's reason"),
  },
  {
    name: 'abort mid-body: `text()`',
    run: async ({ fetch, url }) => {
      const controller = new AbortController()
      const answer = await fetch(url('/first-then-nothing'), { signal: controller.signal })
      const all = outcome(() => answer.text())
      controller.abort()
      return all
    },
    is: 'AbortError',
  },
  {
    name: 'abort mid-body: both of `clone()`',
    run: async ({ fetch, url }) => {
      const controller = new AbortController()
      const one = await fetch(url('/first-then-nothing'), { signal: controller.signal })
      const both = [one.clone(), one].map((each) => outcome(() => each.text()))
      controller.abort()
      return Promise.all(both)
    },
    is: ['AbortError', 'AbortError'],
    in: {
      webkit: {
        native: ['TypeError', 'TypeError'],
        ours: ['AbortError', 'AbortError'],
        because: 'WebKit gives a `TypeError` to readers of clones',
      },
    },
  },
  {
    name: 'abort after the end changes nothing',
    run: async ({ fetch, url }) => {
      const controller = new AbortController()
      const answer = await fetch(url('/text'), { signal: controller.signal })
      const all = await answer.text()
      controller.abort()
      return all
    },
    is: 'hello, wörld',
  },
  {
    name: 'abort: the error is a `DOMException` of code 20',
    run: async ({ fetch, url }) => {
      const error = await fetch(url('/text'), { signal: AbortSignal.abort() }).catch((error) => error)
      return [error instanceof DOMException, error.name, error.code]
    },
    is: [true, 'AbortError', 20],
  },
  {
    name: '`AbortSignal.timeout` before the head',
    run: ({ fetch, url }) => outcome(() => fetch(url('/no-answer'), { signal: AbortSignal.timeout(30) })),
    is: 'TimeoutError',
    in: reasonless('TimeoutError'),
  },
  {
    name: '`AbortSignal.timeout` mid-body',
    run: ({ fetch, url }) =>
      outcome(async () => (await fetch(url('/first-then-nothing'), { signal: AbortSignal.timeout(500) })).text()),
    is: 'TimeoutError',
    in: {
      firefox: {
        native: 'AbortError',
        ours: 'TimeoutError',
        because:
          'Firefox gives an `AbortError` once the body has begun. df.fetch gives the reason, as the Fetch standard wants it',
      },
      ...reasonless('TimeoutError'),
    },
  },
  {
    name: '`AbortSignal.any`',
    run: ({ fetch, url }) => {
      const [controller, reason] = [new AbortController(), own()]
      const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)])
      const attempt = outcome(() => fetch(url('/no-answer'), { signal }), reason)
      controller.abort(reason)
      return attempt
    },
    is: "the signal's reason",
    in: reasonless("the signal's reason"),
  },
  { name: 'nothing listens there', run: ({ fetch, refused }) => outcome(() => fetch(refused())), is: 'TypeError' },
  {
    name: 'the server hangs up before it answers',
    run: ({ fetch, url }) => outcome(() => fetch(url('/hang-up'))),
    is: 'TypeError',
  },
  {
    name: 'the server hangs up mid-body',
    run: async ({ fetch, url }) => {
      const id = crypto.randomUUID()
      const reader = (await fetch(url('/first-then-nothing', { id }))).body.getReader()
      const { value } = await reader.read()
      const rest = outcome(() => reader.read())
      await window.fetch(url('/cut', { id }))
      return [new TextDecoder().decode(value), await rest]
    },
    is: ['first', 'TypeError'],
    in: {
      webkit: {
        native: ['first', 'fulfilled'],
        ours: ['first', 'TypeError'],
        because:
          'WebKitGTK takes a connection that breaks for the end of a body of unknown length. A recorder knows better',
      },
    },
  },
  {
    name: 'the server hangs up before the length that it named',
    run: async ({ fetch, url }) => outcome(async () => (await fetch(url('/first-then-cut', { length: 100 }))).text()),
    is: 'TypeError',
  },
  bad('a URL that cannot be parsed', {}, () => 'http://'),
  bad('a URL of another scheme', {}, () => 'ftp://localhost/'),
  bad('a URL with user name and password', {}, ({ url }) => url('/text').replace('://', '://user:word@')),
  bad('a method with a space', { method: 'GE T' }),
  bad('the method `CONNECT`', { method: 'CONNECT' }),
  bad('the method `trace`', { method: 'trace' }),
  bad('a header name with a space', { headers: { 'x y': '1' } }),
  bad('a header value with a line break', { headers: { 'x-own': 'a\nb' } }),
  bad('a header value outside of Latin-1', { headers: { 'x-own': '€' } }),
  {
    ...bad('`signal` that is none', { signal: 'no signal' }),
    in: { webkit: { native: 'fulfilled', ours: 'TypeError', because: 'WebKit takes whatever stands there' } },
  },
  bad('`redirect` of another value', { redirect: 'sometimes' }),
  bad('`referrer` that cannot be parsed', { referrer: 'http://' }),
]
