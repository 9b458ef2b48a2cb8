// The server that both kinds of fetch ask: small, scripted by path and query, open to every origin.
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { listen } from '../../lib/listen.js'

const TEXT = 'hello, wörld'
const EMPTY_MODULE = Buffer.from('0061736d01000000', 'hex')
const MULTIPART =
  '--b\r\ncontent-disposition: form-data; name="text"\r\n\r\nnaïve\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\ncontent\r\n--b--\r\n'

export async function startUpstream() {
  const counts = new Map()
  const open = new Map()
  const unfinished = new Set()
  const server = createServer(async (request, response) => {
    unfinished.add(response)
    response.on('close', () => unfinished.delete(response))
    allowEveryone(request, response)
    const url = new URL(request.url, 'http://upstream')
    // The run's id keeps addresses apart and is nobody's business.
    const run = url.searchParams.get('run')
    url.searchParams.delete('run')
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers
    if (isPreflight) return response.writeHead(204).end()
    const route = ROUTES[url.pathname.split('/')[1]]
    if (!route) return response.writeHead(404).end(`no route ${url.pathname}`)
    const body = await bodyOf(request).catch(() => undefined)
    if (body)
      await route({ request, response, url, body, query: url.searchParams, count: () => count(counts, run), open })
  })
  const { port, stop } = await listen(server)
  return {
    url: `http://localhost:${port}`,
    /** Ends what is still open: a browser has six connections to a host, and keeps those that nobody reads. */
    endAll() {
      for (const response of unfinished) response.end()
    },
    stop,
  }
}

const ROUTES = {
  text: ({ response }) => send(response, 'text/plain; charset=utf-8', TEXT),
  json: ({ response }) => send(response, 'application/json', '{"a":[1,"é",null]}'),
  bytes: ({ response, query }) => send(response, 'application/octet-stream', Buffer.from(query.get('hex'), 'hex')),
  wasm: ({ response }) => send(response, 'application/wasm', EMPTY_MODULE),
  multipart: ({ response }) => send(response, 'multipart/form-data; boundary=b', MULTIPART),
  urlencoded: ({ response }) => send(response, 'application/x-www-form-urlencoded', 'a=1&b=%C3%A9'),
  large: ({ response, query }) =>
    send(
      response,
      'application/octet-stream',
      Buffer.alloc(Number(query.get('bytes'))).map((_, at) => at % 251),
    ),
  count: ({ response, count }) => send(response, 'text/plain', String(count())),
  digest: ({ response, body }) =>
    send(
      response,
      'application/json',
      JSON.stringify({ length: body.every((byte, at) => byte === (at * 31) % 256) ? body.length : 'other bytes' }),
    ),
  problem: ({ response }) => {
    response
      .writeHead(422, expose(response, { 'content-type': 'application/problem+json', 'x-own': 'of the upstream' }))
      .end('{"title":"not like this"}')
  },
  gzip: ({ response }) => {
    const body = gzipSync(TEXT)
    response
      .writeHead(
        200,
        expose(response, {
          'content-type': 'text/plain; charset=utf-8',
          'content-encoding': 'gzip',
          'content-length': body.length,
        }),
      )
      .end(body)
  },
  echo: ({ request, response, url, body }) => {
    const seen = {
      method: request.method,
      url: url.pathname + url.search,
      headers: request.headers,
      body: body.toString(),
    }
    send(response, 'application/json', JSON.stringify(seen))
  },
  form: async ({ request, response, body }) => {
    const form = await new Response(body, { headers: { 'content-type': request.headers['content-type'] } }).formData()
    const entries = [...form].map(async ([name, value]) =>
      typeof value === 'string' ? [name, value] : [name, value.name, value.type, await value.text()],
    )
    send(response, 'application/json', JSON.stringify(await Promise.all(entries)))
  },
  headers: ({ response }) => {
    send(response, 'text/plain', TEXT, {
      'x-own': 'of the upstream',
      'x-twice': ['one', 'two'],
      etag: '"own"',
      'cache-control': 'max-age=60',
    })
  },
  'set-cookie': ({ response, query }) =>
    send(response, 'text/plain', TEXT, { 'set-cookie': `${query.get('name')}=1; path=/` }),
  status: ({ response, query }) => {
    const status = Number(query.get('status'))
    const bare = status === 204 || status === 205 || status === 304
    response.writeHead(status, query.get('text') ?? undefined, expose(response, { 'content-type': 'text/plain' }))
    response.end(bare ? undefined : `status ${status}`)
  },
  empty: ({ response, query }) => {
    const length = query.has('chunked') ? {} : { 'content-length': '0' }
    response
      .writeHead(Number(query.get('status') ?? 200), expose(response, { 'content-type': 'text/plain', ...length }))
      .end()
  },
  range: ({ request, response }) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    if (from === undefined) return send(response, 'text/plain', 'hello')
    response.writeHead(
      206,
      expose(response, { 'content-type': 'text/plain', 'content-range': `bytes ${from}-${to}/5` }),
    )
    response.end('hello'.slice(Number(from), Number(to) + 1))
  },
  redirect: ({ response, query }) => {
    // An address of its own, as every other.
    const to = `${query.get('to') ?? '/text'}?run=${crypto.randomUUID()}`
    response.writeHead(Number(query.get('status')), expose(response, { location: to })).end()
  },
  chunks: ({ response }) => {
    response.writeHead(200, expose(response, { 'content-type': 'text/plain' }))
    for (let at = 0; at < 300; at += 1) response.write(`chunk ${String(at).padStart(3)}\n`.slice(-10).padStart(10))
    response.end()
  },
  'head-only': ({ response }) => {
    response.writeHead(200, expose(response, { 'content-type': 'text/plain' }))
    response.flushHeaders()
  },
  'first-then-nothing': ({ response, query, open }) => {
    open.set(query.get('id'), response)
    response.writeHead(200, expose(response, { 'content-type': 'text/plain' }))
    response.write('first')
  },
  // Hangs up on the one above.
  cut: ({ response, query, open }) => {
    open.get(query.get('id')).socket.destroy()
    send(response, 'text/plain', 'cut')
  },
  'first-then-cut': ({ response, query }) => {
    const length = query.has('length') ? { 'content-length': query.get('length') } : {}
    response.writeHead(200, expose(response, { 'content-type': 'text/plain', ...length }))
    response.write('first', () => response.socket.destroySoon())
  },
  'no-answer': () => {},
  'hang-up': ({ response }) => response.socket.destroy(),
}

function allowEveryone(request, response) {
  const { origin, 'access-control-request-headers': headers } = request.headers
  if (origin) response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-allow-credentials', 'true')
  response.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, PROPFIND')
  if (headers) response.setHeader('access-control-allow-headers', headers)
}

/** The headers, and that a page of another origin may see them. */
function expose(response, headers) {
  response.setHeader('access-control-expose-headers', Object.keys(headers).join(', '))
  return headers
}

function send(response, type, body, headers = {}) {
  const bytes = Buffer.from(body)
  response
    .writeHead(200, expose(response, { 'content-type': type, 'content-length': bytes.length, ...headers }))
    .end(bytes)
}

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

function count(counts, run) {
  counts.set(run, (counts.get(run) ?? 0) + 1)
  return counts.get(run)
}
