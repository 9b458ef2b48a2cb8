// The other members of `init`.
import { outcome } from './outcome.js'

const headersSeen = async ({ fetch, url }, init) => (await (await fetch(url('/echo'), init)).json()).headers
const referer = async (at, init) =>
  (await headersSeen(at, init)).referer?.replace(location.origin, 'https://page') ?? null
const cookie = async (at, credentials) => (await headersSeen(at, { credentials })).cookie?.match(/who=\w+/)?.[0] ?? null

const hops = 'The recorder follows redirects and checks each of them; the page is told the last answer'

export const options = [
  {
    name: '`method` of any case: the known ones are written in capitals',
    run: async ({ fetch, url }) => (await (await fetch(url('/echo'), { method: 'post' })).json()).method,
    is: 'POST',
  },
  {
    name: '`method`: `PROPFIND`',
    run: async ({ fetch, url }) => (await (await fetch(url('/echo'), { method: 'PROPFIND' })).json()).method,
    is: 'PROPFIND',
  },
  {
    name: '`headers` as an object, `Headers` and pairs',
    run: async (at) => {
      const all = [
        { 'X-One': '1' },
        new Headers({ 'X-One': '1' }),
        [
          ['X-One', '1'],
          ['x-one', '2'],
        ],
      ]
      return Promise.all(all.map(async (headers) => (await headersSeen(at, { headers }))['x-one']))
    },
    is: ['1', '1', '1, 2'],
  },
  {
    name: '`authorization` reaches the server',
    run: async (at) => (await headersSeen(at, { headers: { authorization: 'Bearer x' } })).authorization,
    is: 'Bearer x',
  },
  { name: '`accept` is `*/*` where nothing is said', run: async (at) => (await headersSeen(at)).accept, is: '*/*' },
  {
    name: 'header names that a page may not set are dropped',
    run: async (at) => (await headersSeen(at, { headers: { 'sec-own': 'x', 'x-kept': 'y' } }))['sec-own'] ?? null,
    is: null,
  },
  {
    name: "the server sees the browser's `user-agent` and `accept-language`",
    run: async (at) => {
      const headers = await headersSeen(at)
      return [headers['user-agent'] === navigator.userAgent, 'accept-language' in headers]
    },
    is: [true, true],
  },
  {
    name: 'the server sees no header that is not of the app',
    run: async (at) => Object.keys(await headersSeen(at)).filter((name) => name.startsWith('durablefetch')),
    is: [],
  },
  { name: '`credentials: "include"`', run: (at) => cookie(at, 'include'), is: 'who=me' },
  { name: '`credentials: "same-origin"` (default), another origin', run: (at) => cookie(at, 'same-origin'), is: null },
  { name: '`credentials: "omit"`', run: (at) => cookie(at, 'omit'), is: null },
  {
    name: '`credentials: "include"`: a cookie that the server sets is kept',
    run: async ({ fetch, url }) => {
      await fetch(url('/set-cookie', { name: 'given' }), { credentials: 'include' })
      const kept = document.cookie.includes('given=')
      document.cookie = 'given=; max-age=0'
      return kept
    },
    is: true,
  },
  {
    name: '`credentials: "omit"`: a cookie that the server sets is not kept',
    run: async ({ fetch, url }) => {
      await fetch(url('/set-cookie', { name: 'ignored' }), { credentials: 'omit' })
      return document.cookie.includes('ignored=')
    },
    is: false,
  },
  {
    name: '`mode: "cors"`',
    run: async ({ fetch, url }) => (await fetch(url('/text'), { mode: 'cors' })).text(),
    is: 'hello, wörld',
  },
  {
    name: '`mode: "same-origin"`, another origin',
    run: ({ fetch, url }) => outcome(() => fetch(url('/text'), { mode: 'same-origin' })),
    is: 'TypeError',
  },
  {
    name: '`mode: "navigate"`',
    run: ({ fetch, url }) => outcome(() => fetch(url('/text'), { mode: 'navigate' })),
    is: 'TypeError',
  },
  {
    name: '`mode: "no-cors"`',
    run: async ({ fetch, url }) => {
      const { status, type, body } = await fetch(url('/text'), { mode: 'no-cors' })
      return { status, type, body }
    },
    is: { status: 0, type: 'opaque', body: null },
  },
  {
    name: '`redirect: "follow"`: 302',
    run: async ({ fetch, url }) => {
      const response = await fetch(url('/redirect', { status: 302 }))
      return [response.status, await response.text()]
    },
    is: [200, 'hello, wörld'],
  },
  {
    name: 'a followed redirect: `url` is the last one',
    run: async ({ fetch, url }) => new URL((await fetch(url('/redirect', { status: 302 }))).url).pathname,
    is: '/text',
    ours: { is: '/redirect', because: hops },
  },
  {
    name: 'a followed redirect: `redirected`',
    run: async ({ fetch, url }) => (await fetch(url('/redirect', { status: 302 }))).redirected,
    is: true,
    ours: { is: false, because: hops },
  },
  {
    name: 'a 307 sends method and body again',
    run: async ({ fetch, url }) => {
      const { method, body } = await (
        await fetch(url('/redirect', { status: 307, to: '/echo' }), { method: 'POST', body: 'again' })
      ).json()
      return { method, body }
    },
    is: { method: 'POST', body: 'again' },
  },
  {
    name: 'a 303 turns a POST into a GET',
    run: async ({ fetch, url }) => {
      const { method, body } = await (
        await fetch(url('/redirect', { status: 303, to: '/echo' }), { method: 'POST', body: 'again' })
      ).json()
      return { method, body }
    },
    is: { method: 'GET', body: '' },
  },
  {
    name: '`redirect: "error"`',
    run: ({ fetch, url }) => outcome(() => fetch(url('/redirect', { status: 302 }), { redirect: 'error' })),
    is: 'TypeError',
    ours: { is: 'fulfilled', because: hops },
  },
  {
    name: '`redirect: "manual"`',
    run: async ({ fetch, url }) => {
      const { status, type } = await fetch(url('/redirect', { status: 302 }), { redirect: 'manual' })
      return { status, type }
    },
    is: { status: 0, type: 'opaqueredirect' },
    ours: { is: { status: 200, type: 'default' }, because: hops },
  },
  {
    name: '`redirect: "error"` where nothing redirects',
    run: async ({ fetch, url }) => (await fetch(url('/text'), { redirect: 'error' })).text(),
    is: 'hello, wörld',
  },
  { name: '`referrer` of another origin is its origin', run: (at) => referer(at, {}), is: 'https://page/' },
  { name: '`referrer: ""`', run: (at) => referer(at, { referrer: '' }), is: null },
  { name: '`referrerPolicy: "no-referrer"`', run: (at) => referer(at, { referrerPolicy: 'no-referrer' }), is: null },
  {
    name: '`referrer` with `referrerPolicy: "unsafe-url"`',
    run: (at) => referer(at, { referrer: '/elsewhere', referrerPolicy: 'unsafe-url' }),
    is: 'https://page/elsewhere',
  },
  {
    name: '`keepalive: true`',
    run: async ({ fetch, url }) => (await fetch(url('/text'), { keepalive: true })).text(),
    is: 'hello, wörld',
  },
  {
    name: '`keepalive: true` with more than 64 KiB',
    run: ({ fetch, url }) =>
      outcome(() => fetch(url('/echo'), { method: 'POST', keepalive: true, body: 'x'.repeat(70_000) })),
    is: 'TypeError',
  },
  {
    name: '`priority: "low"` and `"high"`',
    run: async ({ fetch, url }) =>
      Promise.all(['low', 'high'].map(async (priority) => (await fetch(url('/text'), { priority })).status)),
    is: [200, 200],
  },
  {
    name: '`priority` of another value',
    run: ({ fetch, url }) => outcome(() => fetch(url('/text'), { priority: 'urgent' })),
    is: 'TypeError',
  },
  {
    name: '`cache: "only-if-cached"`, another origin',
    run: ({ fetch, url }) => outcome(() => fetch(url('/text'), { cache: 'only-if-cached' })),
    is: 'TypeError',
  },
  {
    name: '`cache` of another value',
    run: ({ fetch, url }) => outcome(() => fetch(url('/text'), { cache: 'forever' })),
    is: 'TypeError',
  },
  {
    name: '`integrity` that matches',
    run: async ({ fetch, url }) =>
      (await fetch(url('/text'), { integrity: 'sha256-eeGeT+nyuFXywNuVRy1QCXwtRj7u/3Lb9cXlTLcNYro=' })).text(),
    is: 'hello, wörld',
  },
  {
    name: '`integrity` that does not',
    run: ({ fetch, url }) =>
      outcome(async () =>
        (await fetch(url('/text'), { integrity: 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' })).text(),
      ),
    is: 'TypeError',
  },
  {
    name: 'unknown members are ignored',
    run: async ({ fetch, url }) => (await fetch(url('/text'), { next: { revalidate: 1 } })).status,
    is: 200,
  },
  {
    name: 'how often the server is asked when the same URL is fetched twice',
    run: async ({ fetch, url }) => {
      const address = url('/count')
      await (await fetch(address)).text()
      return Number(await (await fetch(address)).text())
    },
    is: 2,
    ours: { is: 1, because: 'This is what durablefetch is for: the second one gets the recording' },
  },
]
