// Every kind of body that `init.body` takes, as the server sees it.
import { outcome } from './outcome.js'

const post = async ({ fetch, url }, body, more) => {
  const { headers, body: got } = await (await fetch(url('/echo'), { method: 'POST', body, ...more })).json()
  return [headers['content-type'] ?? null, got]
}
const streamOf = (...parts) =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
const streams =
  'Chromium streams a request only over HTTP/2. df.fetch reads the stream to its end first, so that it can be sent again after a cut'
/** Where the engine takes no stream for a body. */
const streamless = {
  firefox: 'Firefox sends the words `[object ReadableStream]`; df.fetch sends what is in the stream',
  webkit: 'WebKit sends no streams; df.fetch reads the stream first and sends what is in it',
}

export const requestBody = [
  { name: 'string', run: (at) => post(at, 'naïve'), is: ['text/plain;charset=UTF-8', 'naïve'] },
  { name: 'empty string', run: (at) => post(at, ''), is: ['text/plain;charset=UTF-8', ''] },
  { name: '`null`', run: (at) => post(at, null), is: [null, ''] },
  {
    name: '`URLSearchParams`',
    run: (at) => post(at, new URLSearchParams({ a: '1', b: 'é' })),
    is: ['application/x-www-form-urlencoded;charset=UTF-8', 'a=1&b=%C3%A9'],
  },
  {
    name: '`Blob` with a type',
    run: (at) => post(at, new Blob(['blob'], { type: 'text/x-own' })),
    is: ['text/x-own', 'blob'],
  },
  { name: '`Blob` without a type', run: (at) => post(at, new Blob(['blob'])), is: [null, 'blob'] },
  { name: '`ArrayBuffer`', run: (at) => post(at, new TextEncoder().encode('bytes').buffer), is: [null, 'bytes'] },
  {
    name: '`Uint8Array`, a view into a larger buffer',
    run: (at) => post(at, new TextEncoder().encode('<bytes>').subarray(1, 6)),
    is: [null, 'bytes'],
  },
  { name: '`Uint16Array`', run: (at) => post(at, new Uint16Array([0x6261, 0x6463])), is: [null, 'abcd'] },
  {
    name: '`DataView`',
    run: (at) => post(at, new DataView(new TextEncoder().encode('<view>').buffer, 1, 4)),
    is: [null, 'view'],
  },
  {
    name: 'any other object is a string',
    run: (at) => post(at, { toString: () => 'as text' }),
    is: ['text/plain;charset=UTF-8', 'as text'],
  },
  {
    name: 'an own `content-type` is kept',
    run: (at) => post(at, '{}', { headers: { 'Content-Type': 'application/json' } }),
    is: ['application/json', '{}'],
  },
  {
    name: '`FormData` with a file',
    run: async ({ fetch, url }) => {
      const form = new FormData()
      form.append('text', 'naïve')
      form.append('text', 'again')
      form.append('file', new File(['content'], 'näme.txt', { type: 'text/x' }))
      return (await fetch(url('/form'), { method: 'POST', body: form })).json()
    },
    is: [
      ['text', 'naïve'],
      ['text', 'again'],
      ['file', 'näme.txt', 'text/x', 'content'],
    ],
  },
  {
    name: '3 MB of bytes arrive unchanged',
    run: async ({ fetch, url }) => {
      const bytes = new Uint8Array(3_000_000).map((_, at) => at * 31)
      return (await (await fetch(url('/digest'), { method: 'POST', body: bytes })).json()).length
    },
    is: 3_000_000,
  },
  {
    name: 'the body is read when fetch is called: later changes do not count',
    run: async ({ fetch, url }) => {
      const bytes = new TextEncoder().encode('before')
      const attempt = fetch(url('/echo'), { method: 'POST', body: bytes })
      bytes.fill(0)
      return (await (await attempt).json()).body
    },
    is: 'before',
  },
  {
    name: '`ReadableStream` (`duplex: "half"`) to an HTTP/1.1 server',
    run: (at) => outcome(() => post(at, streamOf('one ', 'two'), { duplex: 'half' })),
    is: 'TypeError',
    ours: { is: 'fulfilled', because: streams },
    in: {
      firefox: { native: 'fulfilled', because: streamless.firefox },
      webkit: { native: 'NotSupportedError', ours: 'fulfilled', because: streamless.webkit },
    },
  },
  {
    name: '`Request` with a `ReadableStream` to an HTTP/1.1 server',
    run: ({ fetch, url }) =>
      outcome(() => fetch(new Request(url('/echo'), { method: 'POST', body: streamOf('a'), duplex: 'half' }))),
    is: 'TypeError',
    ours: { is: 'fulfilled', because: streams },
    in: {
      firefox: { native: 'fulfilled', because: streamless.firefox },
      webkit: { native: 'NotSupportedError', ours: 'fulfilled', because: streamless.webkit },
    },
  },
  {
    name: '`ReadableStream` without `duplex`',
    run: (at) => outcome(() => post(at, streamOf('a'))),
    is: 'TypeError',
    in: {
      firefox: { native: 'fulfilled', because: streamless.firefox },
      webkit: { native: 'NotSupportedError', ours: 'fulfilled', because: streamless.webkit },
    },
  },
  {
    name: '`ReadableStream` that is locked',
    run: (at) => {
      const stream = streamOf('a')
      stream.getReader()
      return outcome(() => post(at, stream, { duplex: 'half' }))
    },
    is: 'TypeError',
    in: { firefox: { native: 'fulfilled', ours: 'TypeError', because: streamless.firefox } },
  },
  {
    name: '`ReadableStream` that fails',
    run: (at) =>
      outcome(() => post(at, new ReadableStream({ pull: (c) => c.error(new Error('broken')) }), { duplex: 'half' })),
    is: 'TypeError',
    in: {
      firefox: { native: 'fulfilled', ours: 'TypeError', because: streamless.firefox },
      webkit: { native: 'NotSupportedError', ours: 'TypeError', because: streamless.webkit },
    },
  },
  {
    name: '`GET` with a body',
    run: ({ fetch, url }) => outcome(() => fetch(url('/echo'), { body: 'x' })),
    is: 'TypeError',
  },
  {
    name: '`HEAD` with a body',
    run: ({ fetch, url }) => outcome(() => fetch(url('/echo'), { method: 'HEAD', body: 'x' })),
    is: 'TypeError',
  },
]
