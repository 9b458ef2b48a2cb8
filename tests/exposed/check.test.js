// `durablefetch check` through nginx: good settings, and each thing that it finds.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { listen } from '../lib/listen.js'
import { BINARY, startRecorder } from '../lib/recorder.js'
import { startNginx } from '../lib/nginx.js'

async function check(url, ...args) {
  const child = spawn(BINARY, ['check', url, ...args], { env: { ...process.env, HTTP_PROXY: '', http_proxy: '' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(child, 'close')
  return { code, output }
}

/** A recorder behind a proxy of ours, which does with each answer what `handle(request, answer, response)` says. */
async function behindProxy(t, handle) {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const server = createServer((request, response) => {
    const { url: path, method, headers } = request
    const asked = httpRequest({ host: '127.0.0.1', port: recorder.port, path, method, headers }, (answer) => {
      answer.on('error', () => {})
      handle(request, answer, response)
    })
    asked.on('error', () => response.destroy())
    response.on('close', () => asked.destroy())
    request.pipe(asked)
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return `http://localhost:${port}`
}

/** Something that the recorder can fetch. */
async function anUpstream(t) {
  const { port, stop } = await listen(createServer((_, response) => response.end('an answer')))
  t.after(stop)
  return `http://127.0.0.1:${port}/v1/models`
}

async function behindNginx(t, location) {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const nginx = await startNginx({ targetPort: recorder.port, location })
  t.after(() => nginx.stop())
  return nginx
}

test('good settings pass', async (t) => {
  const large = 'proxy_buffer_size 32k; proxy_buffers 8 32k;'
  const nginx = await behindNginx(t, `client_max_body_size 32m; ${large}`)
  const { code, output } = await check(nginx.url, '--silence', '5s', '--upstream', await anUpstream(t))
  assert.equal(code, 0, output)
  for (const said of [
    /ok +a recorder answers/,
    /streaming is live/,
    /streaming of plain text is live/,
    /ok +the protocol's headers get through, both ways/,
    /ok +a head of 14000 bytes gets through/,
    /ok +an answer may begin after 5s/,
    /ok +an answer that takes 5s is not cut/,
    /ok +http:\/\/127\.0\.0\.1:\d+\/v1\/models is fetched \(its status is 200\)/,
    /1\.1 MB gets through/,
    /a silent answer is not cut within 5s/,
    /HTTP\/1\.1 is spoken, without TLS/,
  ]) {
    assert.match(output, said)
  }
})

test('buffering, an idle timeout and a limit for bodies are found, with what to change', async (t) => {
  const nginx = await behindNginx(
    t,
    'proxy_ignore_headers X-Accel-Buffering; proxy_read_timeout 2s; client_max_body_size 1m;',
  )
  const { code, output } = await check(nginx.url, '--silence', '20s')
  assert.equal(code, 1, output)
  assert.match(output, /BAD +(streaming is buffered|a stream cannot be read)/)
  assert.match(output, /proxy_buffering off/)
  assert.match(output, /an answer is held back, and cut|is cut/)
  assert.match(
    output,
    /BAD +a request body of 1\.1 MB is refused on the way, with status 413\n +→ .*client_max_body_size/,
  )
})

test('an idle timeout alone is a note', async (t) => {
  const large = 'proxy_buffer_size 32k; proxy_buffers 8 32k;'
  const nginx = await behindNginx(t, `proxy_read_timeout 2s; client_max_body_size 32m; ${large}`)
  const { code, output } = await check(nginx.url, '--silence', '20s')
  assert.equal(code, 0, output)
  // By the clock of whoever is asked: a busy machine sees it later.
  assert.match(output, /note +a silent answer is cut after \d+s\n +→ .*proxy_read_timeout/)
})

test('a refusal of the recorder is told with its remedy', async (t) => {
  const nginx = await behindNginx(t, 'proxy_set_header X-Forwarded-For $remote_addr;')
  const { code, output } = await check(nginx.url)
  assert.equal(code, 1)
  assert.match(output, /BAD +the recorder refuses: forwarded-request/)
  assert.match(output, /--public-origin/)
})

test('something else that answers, and nothing that does', async (t) => {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const nginx = await startNginx({ targetPort: recorder.port })
  t.after(() => nginx.stop())
  await recorder.stop()
  const down = await check(nginx.url)
  assert.match(down.output, /BAD +no recorder answers here, but nginx.* with status 502\n +→ .*is it running/)
  const nobody = await check(recorder.url)
  assert.deepEqual([down.code, nobody.code], [1, 1])
  assert.match(nobody.output, /BAD +nothing answers/)
})

test('what compresses is told apart from what buffers', async (t) => {
  const nginx = await behindNginx(t, 'gzip on; gzip_types text/plain text/event-stream; gzip_min_length 1;')
  const { code, output } = await check(nginx.url, '--silence', '3s')
  assert.equal(code, 1)
  assert.match(output, /BAD +answers are compressed \(gzip\)\n +→ .*gzip off/)
  assert.match(output, /ok +streaming is live/)
})

test('a limit for all of an answer is told apart from one for silence', async (t) => {
  const url = await behindProxy(t, (_, answer, response) => {
    response.writeHead(answer.statusCode, answer.headers)
    answer.pipe(response)
    setTimeout(() => response.destroy(), 6000)
  })
  const { output } = await check(url, '--silence', '12s')
  assert.match(
    output,
    /note +an answer is cut after \d+s, although it talks\n +→ .*limits how long a request may take in all/,
  )
  assert.doesNotMatch(output, /a silent answer is cut/)
})

test('what holds an answer back and then cuts it is said to do so', async (t) => {
  const url = await behindProxy(t, (_, answer, response) => {
    const held = []
    answer.on('data', (chunk) => held.push(chunk))
    const send = () => {
      if (response.headersSent) return
      response.writeHead(answer.statusCode, answer.headers)
      response.write(Buffer.concat(held), () => setTimeout(() => response.destroy(), 20))
    }
    answer.on('end', send)
    setTimeout(send, 3000)
  })
  const { code, output } = await check(url, '--silence', '8s')
  assert.equal(code, 1)
  assert.match(output, /BAD +an answer is held back, and cut after [34]s\n +→ .*buffers/)
  assert.doesNotMatch(output, /silent answer is cut/)
})

test('headers that are lost are named, each way', async (t) => {
  const nginx = await behindNginx(
    t,
    'proxy_set_header durablefetch-mode ""; proxy_set_header durablefetch-for ""; proxy_hide_header durablefetch-protocol;',
  )
  const { code, output } = await check(nginx.url, '--silence', '1s')
  assert.equal(code, 1)
  assert.match(output, /BAD +these headers do not reach the recorder: durablefetch-mode, durablefetch-for\n/)
  assert.match(output, /BAD +these headers of the recorder do not come back: durablefetch-protocol\n/)
})

test('a small buffer for heads is found', async (t) => {
  const nginx = await behindNginx(t, 'proxy_buffer_size 4k; proxy_buffers 8 4k; proxy_busy_buffers_size 8k;')
  const { code, output } = await check(nginx.url, '--silence', '1s')
  assert.equal(code, 1)
  assert.match(
    output,
    /BAD +an answer whose head has 6000 bytes does not get through; 2000 do\n +→ .*proxy_buffer_size/,
  )
})

test('an upstream that nothing answers at is found, as a list for programs', async (t) => {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const { code, output } = await check(
    recorder.url,
    '--silence',
    '1s',
    '--upstream',
    'http://127.0.0.1:1/x?key=s3cr3t',
    '--json',
  )
  assert.equal(code, 1)
  const found = JSON.parse(output)
  assert.deepEqual(new Set(found.map(({ verdict }) => verdict)), new Set(['good', 'fair', 'bad']))
  const [bad] = found.filter(({ verdict }) => verdict === 'bad')
  assert.equal(bad.what, 'http://127.0.0.1:1/x?… is not fetched: upstream-unreachable')
  assert.match(bad.remedy, /is it up/)
})

test('an upstream that is not allowed is found, with the flag', async (t) => {
  const recorder = await startRecorder({
    flags: ['--public-origin', 'http://localhost:1', '--allow', 'https://api.example.com', '--unguessable-urls'],
  })
  t.after(() => recorder.stop())
  const nginx = await startNginx({ targetPort: recorder.port, location: 'proxy_set_header Host localhost:1;' })
  t.after(() => nginx.stop())
  const { code, output } = await check(nginx.url, '--silence', '1s', '--upstream', 'https://other.example/v1')
  assert.equal(code, 1)
  assert.match(
    output,
    /BAD +https:\/\/other\.example\/v1 is not fetched: upstream-not-allowed\n +→ .*--allow https:\/\/other\.example/,
  )
})
