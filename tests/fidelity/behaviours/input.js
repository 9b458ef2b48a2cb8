// What may be passed as the first argument, and what of a Request is kept.
import { outcome, throwsAtOnce } from './outcome.js'

const echo = async (response) => (await response.json()).body
const seen = async (response) => {
  const { method, headers, body } = await response.json()
  return { method, type: headers['content-type'] ?? null, kept: headers['x-kept'] ?? null, body }
}

export const input = [
  { name: 'a string', run: async ({ fetch, url }) => (await fetch(url('/text'))).text(), is: 'hello, wörld' },
  { name: 'a `URL`', run: async ({ fetch, url }) => (await fetch(new URL(url('/text')))).text(), is: 'hello, wörld' },
  {
    name: 'an object with `toString`',
    run: async ({ fetch, url }) => (await fetch({ toString: () => url('/text') })).text(),
    is: 'hello, wörld',
  },
  {
    name: 'a path, relative to the page',
    run: async ({ fetch }) => {
      const response = await fetch(`page.txt?run=${crypto.randomUUID()}`)
      return [await response.text(), new URL(response.url).pathname]
    },
    is: ['of the page', '/page.txt'],
  },
  {
    name: 'path and query reach the server as they are',
    run: async ({ fetch, url }) => (await (await fetch(url('/echo/a%20b//c/%2e%2e/ü', { q: 'a+b c&d=é' }))).json()).url,
    is: '/echo/a%20b//%C3%BC?q=a%2Bb+c%26d%3D%C3%A9',
  },
  {
    name: 'a fragment is not sent, and `url` has none',
    run: async ({ fetch, url }) => {
      const response = await fetch(`${url('/echo')}#part`)
      return [(await response.json()).url, new URL(response.url).hash]
    },
    is: ['/echo', ''],
  },
  { name: 'a `data:` URL', run: async ({ fetch }) => (await fetch('data:text/plain,inline')).text(), is: 'inline' },
  {
    name: 'a `blob:` URL',
    run: async ({ fetch }) => (await fetch(URL.createObjectURL(new Blob(['of the page'])))).text(),
    is: 'of the page',
  },
  {
    name: 'a `Request`: method, headers and body',
    run: async ({ fetch, url }) => {
      const request = new Request(url('/echo'), {
        method: 'PUT',
        headers: { 'x-kept': 'yes', 'content-type': 'text/x' },
        body: 'of the request',
      })
      return seen(await fetch(request))
    },
    is: { method: 'PUT', type: 'text/x', kept: 'yes', body: 'of the request' },
  },
  {
    name: 'a `Request` is used up by it',
    run: async ({ fetch, url }) => {
      const request = new Request(url('/echo'), { method: 'POST', body: 'once' })
      await fetch(request)
      return [request.bodyUsed, await outcome(() => fetch(request))]
    },
    is: [true, 'TypeError'],
  },
  {
    name: "a `Request`'s clone can be sent as well",
    run: async ({ fetch, url }) => {
      const request = new Request(url('/echo'), { method: 'POST', body: 'twice' })
      const copy = request.clone()
      return [await echo(await fetch(request)), await echo(await fetch(copy))]
    },
    is: ['twice', 'twice'],
  },
  {
    name: 'a `Request` and `init`: `init.method` and `init.body` win',
    run: async ({ fetch, url }) => {
      const request = new Request(url('/echo'), { method: 'PUT', headers: { 'x-kept': 'yes' }, body: 'old' })
      return seen(await fetch(request, { method: 'PATCH', body: 'new' }))
    },
    is: { method: 'PATCH', type: 'text/plain;charset=UTF-8', kept: 'yes', body: 'new' },
  },
  {
    name: 'a `Request` and `init`: `init.headers` replace all of its headers',
    run: async ({ fetch, url }) => {
      const request = new Request(url('/echo'), { headers: { 'x-kept': 'yes' } })
      const { headers } = await (await fetch(request, { headers: { 'x-other': 'new' } })).json()
      return [headers['x-kept'] ?? null, headers['x-other']]
    },
    is: [null, 'new'],
  },
  {
    name: "a `Request`'s own signal aborts",
    run: async ({ fetch, url }) => {
      const controller = new AbortController()
      const request = new Request(url('/no-answer'), { signal: controller.signal })
      const attempt = outcome(() => fetch(request))
      controller.abort()
      return attempt
    },
    is: 'AbortError',
  },
  {
    name: "`init.signal` replaces the `Request`'s",
    run: async ({ fetch, url }) => {
      const [replaced, used] = [new AbortController(), new AbortController()]
      const request = new Request(url('/text'), { signal: replaced.signal })
      replaced.abort()
      return outcome(() => fetch(request, { signal: used.signal }))
    },
    is: 'fulfilled',
  },
  {
    name: '`init.signal: null` takes the signal away',
    run: async ({ fetch, url }) =>
      outcome(() => fetch(new Request(url('/text'), { signal: AbortSignal.abort() }), { signal: null })),
    is: 'fulfilled',
  },
  {
    name: 'detached: `const { fetch } = …`',
    // biome-ignore lint/complexity/noCommaOperator: it takes the receiver away
    run: async ({ fetch, url }) => (0, fetch)(url('/text')).then((r) => r.ok),
    is: true,
  },
  {
    name: 'returns a promise, whatever the input',
    run: async ({ fetch }) => throwsAtOnce(() => fetch('http://')),
    is: false,
  },
  {
    name: 'without arguments',
    run: async ({ fetch }) => [throwsAtOnce(() => fetch()), await outcome(() => fetch())],
    is: [false, 'TypeError'],
  },
]
