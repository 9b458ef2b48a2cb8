// Every way to read a body.
import { kindOf, outcome } from './outcome.js'

const text = (bytes) => new TextDecoder().decode(bytes)
/** Not `for await`: WebKit's streams cannot be iterated. */
const chunksOf = async (stream) => {
  const chunks = []
  const reader = stream.getReader()
  for (let read; !(read = await reader.read()).done; ) chunks.push(read.value)
  return chunks
}
const readAll = async (stream) => text(await new Blob(await chunksOf(stream)).arrayBuffer())

const iterates = 'The streams of WebKit cannot be iterated'

export const reading = [
  { name: '`text()`', run: async ({ fetch, url }) => (await fetch(url('/text'))).text(), is: 'hello, wörld' },
  {
    name: '`text()` drops a byte order mark',
    run: async ({ fetch, url }) => (await fetch(url('/bytes', { hex: 'efbbbf6869' }))).text(),
    is: 'hi',
  },
  {
    name: '`text()` of bytes that are no UTF-8',
    run: async ({ fetch, url }) => (await fetch(url('/bytes', { hex: '61ff62' }))).text(),
    is: 'a\uFFFDb',
  },
  { name: '`json()`', run: async ({ fetch, url }) => (await fetch(url('/json'))).json(), is: { a: [1, 'é', null] } },
  {
    name: '`json()` of what is none',
    run: async ({ fetch, url }) => outcome(async () => (await fetch(url('/text'))).json()),
    is: 'SyntaxError',
  },
  {
    name: '`arrayBuffer()`',
    run: async ({ fetch, url }) => {
      const buffer = await (await fetch(url('/bytes', { hex: '00ff10' }))).arrayBuffer()
      return [buffer instanceof ArrayBuffer, [...new Uint8Array(buffer)]]
    },
    is: [true, [0, 255, 16]],
  },
  {
    name: '`bytes()`',
    run: async ({ fetch, url }) => [...(await (await fetch(url('/bytes', { hex: '00ff10' }))).bytes())],
    is: [0, 255, 16],
  },
  {
    name: '`blob()`, and its type',
    run: async ({ fetch, url }) => {
      const blob = await (await fetch(url('/json'))).blob()
      return [blob.type, await blob.text()]
    },
    is: ['application/json', '{"a":[1,"é",null]}'],
  },
  {
    name: '`formData()`, multipart',
    run: async ({ fetch, url }) => {
      const form = await (await fetch(url('/multipart'))).formData()
      return [form.get('text'), form.get('file').name, await form.get('file').text()]
    },
    is: ['naïve', 'a.txt', 'content'],
  },
  {
    name: '`formData()`, urlencoded',
    run: async ({ fetch, url }) => [...(await (await fetch(url('/urlencoded'))).formData())],
    is: [
      ['a', '1'],
      ['b', 'é'],
    ],
  },
  {
    name: '`for await` over `body`',
    run: async ({ fetch, url }) => {
      let bytes = 0
      for await (const chunk of (await fetch(url('/chunks'))).body) bytes += chunk.length
      return bytes
    },
    is: 3000,
    in: { webkit: { native: 'TypeError', because: iterates } },
  },
  {
    name: '`for await` that is left early',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/first-then-nothing'))
      for await (const chunk of answer.body) return [text(chunk), answer.bodyUsed]
    },
    is: ['first', true],
    in: { webkit: { native: 'TypeError', because: iterates } },
  },
  {
    name: 'chunks are `Uint8Array`s',
    run: async ({ fetch, url }) => (await (await fetch(url('/chunks'))).body.getReader().read()).value.constructor.name,
    is: 'Uint8Array',
  },
  {
    name: 'chunks come as they are sent, not at the end',
    run: async ({ fetch, url }) =>
      text((await (await fetch(url('/first-then-nothing'))).body.getReader().read()).value),
    is: 'first',
  },
  {
    name: 'headers come before the first byte',
    run: ({ fetch, url }) => {
      const status = fetch(url('/head-only')).then((answer) => answer.status)
      return Promise.race([status, new Promise((resolve) => setTimeout(resolve, 3000, 'no head'))])
    },
    is: 200,
    in: { firefox: { native: 'no head', because: 'Firefox tells of a response once its first byte is there' } },
  },
  {
    name: '`getReader({ mode: "byob" })`',
    run: async ({ fetch, url }) => {
      const { body } = await fetch(url('/text'))
      return outcome(() => body.getReader({ mode: 'byob' }).read(new Uint8Array(5), { min: 5 }))
    },
    is: 'fulfilled',
    ours: {
      is: 'TypeError',
      because: 'The body is not a byte stream: its chunks are handed on as they come, without a copy',
    },
    in: { webkit: { native: 'TypeError', because: 'The bodies of WebKit are no byte streams either' } },
  },
  {
    name: '`pipeThrough(new TextDecoderStream())`',
    run: async ({ fetch, url }) =>
      (await chunksOf((await fetch(url('/chunks'))).body.pipeThrough(new TextDecoderStream()))).join('').length,
    is: 3000,
  },
  {
    name: '`pipeTo`',
    run: async ({ fetch, url }) => {
      let bytes = 0
      await (await fetch(url('/chunks'))).body.pipeTo(
        new WritableStream({ write: (chunk) => void (bytes += chunk.length) }),
      )
      return bytes
    },
    is: 3000,
  },
  {
    name: '`body.tee()`',
    run: async ({ fetch, url }) => {
      const [one, two] = (await fetch(url('/chunks'))).body.tee()
      const both = await Promise.all([readAll(one), readAll(two)])
      return [both[0].length, both[0] === both[1]]
    },
    is: [3000, true],
  },
  {
    name: '`body` can be transferred to another thread',
    run: async ({ fetch, url }) => {
      const { body } = await fetch(url('/chunks'))
      return (await readAll(structuredClone(body, { transfer: [body] }))).length
    },
    is: 3000,
    in: { webkit: { native: 'DataCloneError', because: 'WebKit transfers no streams' } },
  },
  {
    name: '`bodyUsed` before, while and after',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/text'))
      const seen = [answer.bodyUsed]
      const all = answer.text()
      seen.push(answer.bodyUsed)
      await all
      return [...seen, answer.bodyUsed]
    },
    is: [false, true, true],
  },
  {
    name: '`body` is the same object each time',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/text'))
      // biome-ignore lint/suspicious/noSelfCompare: that is the question
      return answer.body === answer.body
    },
    is: true,
  },
  {
    name: 'a body is read once',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/text'))
      await answer.text()
      return outcome(() => answer.text())
    },
    is: 'TypeError',
  },
  {
    name: 'a body that has a reader',
    run: async ({ fetch, url }) => {
      const answer = await fetch(url('/text'))
      answer.body.getReader()
      return outcome(() => answer.text())
    },
    is: 'TypeError',
  },
  {
    name: '`reader.cancel()`',
    run: async ({ fetch, url }) => {
      const reader = (await fetch(url('/first-then-nothing'))).body.getReader()
      await reader.read()
      await reader.cancel()
      return (await reader.read()).done
    },
    is: true,
  },
  {
    name: '`reader.cancel()` while a read waits',
    run: async ({ fetch, url }) => {
      const reader = (await fetch(url('/first-then-nothing'))).body.getReader()
      await reader.read()
      const waiting = reader.read()
      await reader.cancel('enough')
      return [(await waiting).done, (await reader.closed.catch((error) => kindOf(error))) ?? 'closed']
    },
    is: [true, 'closed'],
  },
  {
    name: '5 MB, byte for byte',
    run: async ({ fetch, url }) => {
      const bytes = new Uint8Array(await (await fetch(url('/large', { bytes: 5_000_000 }))).arrayBuffer())
      return [bytes.length, bytes.every((byte, at) => byte === at % 251)]
    },
    is: [5_000_000, true],
  },
]
