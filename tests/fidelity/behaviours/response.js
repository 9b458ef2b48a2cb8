// The Response itself: what it is and what it tells.
import { outcome } from './outcome.js'

const stored = 'The recorder is the only cache: no other may keep what it sends'

export const response = [
  {
    name: '`instanceof Response`',
    run: async ({ fetch, url }) => (await fetch(url('/text'))) instanceof Response,
    is: true,
  },
  {
    name: '`Object.prototype.toString`',
    run: async ({ fetch, url }) => Object.prototype.toString.call(await fetch(url('/text'))),
    is: '[object Response]',
  },
  {
    name: '`url`',
    run: async ({ fetch, url }) => {
      const address = url('/text')
      return (await fetch(address)).url === address
    },
    is: true,
  },
  {
    name: '`ok`: 200, 299, 404, 500',
    run: async ({ fetch, url }) =>
      Promise.all([200, 299, 404, 500].map(async (status) => (await fetch(url('/status', { status }))).ok)),
    is: [true, true, false, false],
  },
  {
    name: '`statusText`',
    run: async ({ fetch, url }) => (await fetch(url('/status', { status: 200, text: 'Quite Fine' }))).statusText,
    is: 'Quite Fine',
  },
  {
    name: '`statusText` that is empty',
    run: async ({ fetch, url }) => (await fetch(url('/status', { status: 200, text: '' }))).statusText,
    is: '',
  },
  { name: '`redirected`', run: async ({ fetch, url }) => (await fetch(url('/text'))).redirected, is: false },
  {
    name: '`type`',
    run: async ({ fetch, url }) => (await fetch(url('/text'))).type,
    is: 'cors',
    ours: {
      is: 'default',
      because:
        'The body goes on over several connections, so a script makes the Response; the platform calls such a one `default`',
    },
  },
  {
    name: '`headers.get`, whatever the case',
    run: async ({ fetch, url }) => (await fetch(url('/headers'))).headers.get('X-Own'),
    is: 'of the upstream',
  },
  {
    name: 'a header that is sent twice',
    run: async ({ fetch, url }) => (await fetch(url('/headers'))).headers.get('x-twice'),
    is: 'one, two',
  },
  {
    name: '`content-type`',
    run: async ({ fetch, url }) => (await fetch(url('/text'))).headers.get('content-type'),
    is: 'text/plain; charset=utf-8',
  },
  {
    name: '`content-length` of a known length',
    run: async ({ fetch, url }) => (await fetch(url('/text'))).headers.get('content-length'),
    is: '13',
    ours: {
      is: null,
      because: 'While the upstream is still sending, the recorder promises no length; a replay has it',
    },
  },
  {
    name: '`etag`',
    run: async ({ fetch, url }) => (await fetch(url('/headers'))).headers.get('etag'),
    is: '"own"',
    ours: { is: null, because: stored },
  },
  {
    name: '`cache-control`',
    run: async ({ fetch, url }) => (await fetch(url('/headers'))).headers.get('cache-control'),
    is: 'max-age=60',
    ours: { is: 'private, no-store, no-transform', because: stored },
  },
  {
    name: '`content-encoding` of a body that was sent as gzip',
    run: async ({ fetch, url }) => (await fetch(url('/gzip'))).headers.get('content-encoding'),
    is: 'gzip',
    ours: { is: null, because: 'Recordings are kept decoded, so that an offset means the same everywhere' },
  },
  {
    name: 'a body that was sent as gzip is decoded',
    run: async ({ fetch, url }) => (await fetch(url('/gzip'))).text(),
    is: 'hello, wörld',
  },
  {
    name: '`set-cookie` is never seen',
    run: async ({ fetch, url }) =>
      (await fetch(url('/set-cookie', { name: 'x' }), { credentials: 'omit' })).headers.get('set-cookie'),
    is: null,
  },
  {
    name: 'headers whose names begin with `durablefetch`',
    run: async ({ fetch, url }) =>
      [...(await fetch(url('/text'))).headers.keys()].filter((name) => name.startsWith('durablefetch')),
    is: [],
    ours: {
      is: [
        'durablefetch-offset',
        'durablefetch-protocol',
        'durablefetch-recording',
        'durablefetch-request',
        'durablefetch-state',
        'durablefetch-status-text',
      ],
      because:
        'They tell which recording this is, where it begins, and which version of the protocol the recorder speaks',
    },
  },
  {
    name: '`headers` cannot be changed',
    run: async ({ fetch, url }) => {
      const { headers } = await fetch(url('/text'))
      return outcome(async () => headers.set('x-new', '1'))
    },
    is: 'TypeError',
    ours: { is: 'fulfilled', because: 'The headers of a Response that a script makes can be changed' },
  },
  {
    name: '`HEAD`',
    run: async ({ fetch, url }) => {
      const head = await fetch(url('/text'), { method: 'HEAD' })
      return [head.status, head.headers.get('content-length'), await head.text()]
    },
    is: [200, '13', ''],
  },
  {
    name: '`OPTIONS`',
    run: async ({ fetch, url }) => (await (await fetch(url('/echo'), { method: 'OPTIONS' })).json()).method,
    is: 'OPTIONS',
  },
  {
    name: '`clone()`: both read the same, and both know the `url`',
    run: async ({ fetch, url }) => {
      const address = url('/chunks')
      const one = await fetch(address)
      const two = one.clone()
      const texts = await Promise.all([one.text(), two.text()])
      return [texts[0] === texts[1], texts[0].length, one.url === address, two.url === address]
    },
    is: [true, 3000, true, true],
  },
  {
    name: '`clone()` keeps status, `statusText` and headers',
    run: async ({ fetch, url }) => {
      const copy = (await fetch(url('/status', { status: 201, text: 'Made' }))).clone()
      return [copy.status, copy.statusText, copy.ok, copy.headers.get('content-type')]
    },
    is: [201, 'Made', true, 'text/plain'],
  },
  {
    name: "a clone's clone",
    run: async ({ fetch, url }) => {
      const address = url('/text')
      const copy = (await fetch(address)).clone().clone()
      return [copy.url === address, await copy.text()]
    },
    is: [true, 'hello, wörld'],
  },
  {
    name: '`clone()` of what was read',
    run: async ({ fetch, url }) => {
      const one = await fetch(url('/text'))
      await one.text()
      return outcome(async () => one.clone())
    },
    is: 'TypeError',
  },
  {
    name: '`new Response(response.body, response)`',
    run: async ({ fetch, url }) => {
      const one = await fetch(url('/status', { status: 201 }))
      const two = new Response(one.body, one)
      return [two.status, two.headers.get('content-type'), await two.text()]
    },
    is: [201, 'text/plain', 'status 201'],
  },
  {
    name: '`cache.put` keeps it',
    run: async ({ fetch, url }) => {
      const cache = await caches.open('fidelity')
      await cache.put('/kept', await fetch(url('/chunks')))
      const kept = await cache.match('/kept')
      return [kept.status, (await kept.text()).length]
    },
    is: [200, 3000],
  },
  {
    name: '`WebAssembly.compileStreaming`',
    run: async ({ fetch, url }) => String(await WebAssembly.compileStreaming(fetch(url('/wasm')))),
    is: '[object WebAssembly.Module]',
  },
]
