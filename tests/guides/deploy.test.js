// docs/deploy.md, "Behind a company's proxy": what is ignored, and the way that there is.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { startRecorder } from '../lib/recorder.js'
import { blocksOf } from '../lib/blocks.js'

const VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']

/** A server that answers everything, and lists what it was asked: `CONNECT host:port`, `GET http://…`, `GET /path`. */
async function startServer(t, answer) {
  const asked = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end(answer)
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    socket.destroy()
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, asked }
}

test('proxies of the environment are not used', async (t) => {
  const proxy = await startServer(t, 'the proxy')
  const upstream = await startServer(t, 'the upstream')
  const before = VARIABLES.map((name) => [name, process.env[name]])
  for (const name of VARIABLES) process.env[name] = proxy.url
  const recorder = await startRecorder()
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  t.after(() => recorder.stop())
  const answered = await fetch(`${recorder.url}/${upstream.url}/a`)
  assert.equal(await answered.text(), 'the upstream')
  // Nothing answers there, with TLS or without; a proxy would have been asked for it.
  for (const scheme of ['http', 'https']) {
    const refused = await fetch(`${recorder.url}/${scheme}://127.0.0.1:1/b`)
    assert.equal(refused.status, 502)
    assert.match(refused.headers.get('durablefetch-error') ?? (await refused.text()), /upstream-unreachable/)
  }
  assert.deepEqual(proxy.asked, [])
})

test('a gateway in the network takes the place of an API, by --map', async (t) => {
  const gateway = await startServer(t, 'the gateway')
  const [, ...words] = blocksOf('docs/deploy.md').command('durablefetch serve --map https://api')
  const flags = words.slice(1).map((word) => word.replace('http://llm-gateway.internal:8080', gateway.url))
  assert.ok(flags.some((flag) => flag.endsWith(gateway.url)))
  const recorder = await startRecorder({ flags })
  t.after(() => recorder.stop())
  const answered = await fetch(`${recorder.url}/https://api.example.com/v1/chat/completions`)
  assert.equal(await answered.text(), 'the gateway')
  assert.deepEqual(gateway.asked, ['GET /v1/chat/completions'])
})
