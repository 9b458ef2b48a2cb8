// `durablefetch check` through nginx: good settings, and each thing that it finds.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startRecorder } from '../lib/recorder.js'
import { startNginx } from '../failures/lib/nginx.js'

const BINARY =
  process.env.DURABLEFETCH_BIN ?? fileURLToPath(new URL('../../target/debug/durablefetch', import.meta.url))

async function check(url, ...args) {
  const child = spawn(BINARY, ['check', url, ...args], { env: { ...process.env, HTTP_PROXY: '', http_proxy: '' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(child, 'close')
  return { code, output }
}

async function behindNginx(t, location) {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const nginx = await startNginx({ targetPort: recorder.port, location })
  t.after(() => nginx.stop())
  return nginx
}

test('good settings pass', async (t) => {
  const nginx = await behindNginx(t, 'client_max_body_size 32m;')
  const { code, output } = await check(nginx.url, '--silence', '3s')
  assert.equal(code, 0, output)
  for (const said of [
    /ok +a recorder answers/,
    /streaming is live/,
    /1\.1 MB gets through/,
    /not cut within 3s/,
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
  assert.match(output, /a silent answer is cut/)
  assert.match(
    output,
    /BAD +a request body of 1\.1 MB is refused on the way, with status 413\n +→ .*client_max_body_size/,
  )
})

test('an idle timeout alone is a note', async (t) => {
  const nginx = await behindNginx(t, 'proxy_read_timeout 2s; client_max_body_size 32m;')
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
