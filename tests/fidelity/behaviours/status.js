// Statuses, and bodies that are empty or not there.
import { outcome } from './outcome.js'

const standard = 'The Fetch standard wants `null` here; Chromium gives an empty stream'

const all = (status, text) => ({
  name: `${status}`,
  run: async ({ fetch, url }) => {
    const answer = await fetch(url('/status', { status }))
    return [answer.status, answer.ok, await answer.text()]
  },
  is: [status, status < 300, text ?? `status ${status}`],
})
const bodyOf = async (answer) => [
  answer.status,
  answer.body === null ? 'null' : answer.body.constructor.name,
  answer.bodyUsed,
  await answer.text(),
  answer.bodyUsed,
]

export const status = [
  ...[200, 201, 202, 203, 206, 299, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504, 599].map((one) => all(one)),
  {
    name: '204: its `body`',
    run: async ({ fetch, url }) => bodyOf(await fetch(url('/status', { status: 204 }))),
    is: [204, 'ReadableStream', false, '', true],
    ours: { is: [204, 'null', false, '', false], because: standard },
  },
  {
    name: '205: its `body`',
    run: async ({ fetch, url }) => bodyOf(await fetch(url('/status', { status: 205 }))),
    is: [205, 'ReadableStream', false, '', true],
    ours: { is: [205, 'null', false, '', false], because: standard },
  },
  {
    name: '304 to a request that set `if-none-match`',
    run: async ({ fetch, url }) =>
      bodyOf(await fetch(url('/status', { status: 304 }), { headers: { 'if-none-match': '"own"' } })),
    is: [304, 'ReadableStream', false, '', true],
  },
  {
    name: '200 without a byte',
    run: async ({ fetch, url }) => bodyOf(await fetch(url('/empty'))),
    is: [200, 'ReadableStream', false, '', true],
  },
  {
    name: '201 without a byte and without a length',
    run: async ({ fetch, url }) => bodyOf(await fetch(url('/empty', { status: 201, chunked: 1 }))),
    is: [201, 'ReadableStream', false, '', true],
  },
  {
    name: '404 without a byte',
    run: async ({ fetch, url }) => bodyOf(await fetch(url('/empty', { status: 404 }))),
    is: [404, 'ReadableStream', false, '', true],
  },
  {
    name: '`HEAD`: its `body`',
    run: async ({ fetch, url }) => bodyOf(await fetch(url('/text'), { method: 'HEAD' })),
    is: [200, 'ReadableStream', false, '', true],
    in: {
      firefox: {
        native: [200, 'null', false, '', false],
        because: 'Firefox gives `null`, as the Fetch standard wants it',
      },
    },
  },
  {
    name: '`json()` of nothing',
    run: async ({ fetch, url }) => outcome(async () => (await fetch(url('/empty'))).json()),
    is: 'SyntaxError',
  },
  {
    name: 'a `range` header',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/range'), { headers: { range: 'bytes=1-3' } })
      return [answer.status, await answer.text()]
    },
    is: [206, 'ell'],
    ours: { is: [200, 'hello'], because: 'Recordings are of whole answers: the recorder does not forward `range`' },
  },
  {
    name: 'an error of the upstream: its body and headers',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/problem'), { method: 'POST', body: '{}' })
      return [answer.status, answer.headers.get('content-type'), answer.headers.get('x-own'), await answer.json()]
    },
    is: [422, 'application/problem+json', 'of the upstream', { title: 'not like this' }],
  },
]
