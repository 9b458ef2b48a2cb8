// The recorder's static program for Linux on arm64, under qemu: it starts, records, speaks TLS and ends in order.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { certificate } from '../lib/certificate.js'
import { endsInOrder, isGivenAgain, openForeignRecorder } from '../lib/foreign-recorder.js'

const { QEMU_AARCH64, ARM64_RECORDER } = process.env
/** qemu translates each instruction that is new to it. */
const PATIENCE_MS = 60_000
/** ELF's number for the processor, at byte 18 of a program. */
const AARCH64 = 183

let arm64
let home
before(async () => {
  for (const [name, path] of Object.entries({ QEMU_AARCH64, ARM64_RECORDER })) {
    if (!path) throw new Error(`${name} names no file: run this as cargo xtask test --only arm64`)
  }
  home = await mkdtemp(join(tmpdir(), 'durablefetch-arm64-'))
  arm64 = await openForeignRecorder({ command: [QEMU_AARCH64, ARM64_RECORDER], patienceMs: PATIENCE_MS })
})
after(async () => {
  await arm64?.close()
  if (home) await rm(home, { recursive: true, force: true })
})

const folder = () => mkdtemp(join(home, 'data-'))

test('the program is for arm64, and tells its version', async () => {
  const program = await readFile(ARM64_RECORDER)
  assert.equal(program.readUInt16LE(18), AARCH64)
  const { code, stdout } = await arm64.run('--version')
  assert.match(stdout, /^durablefetch \d+\.\d+\.\d+( \(\w+ [\d-]+\))?\n$/)
  assert.equal(code, 0)
})

test('an answer is recorded, and given again by the next process', async () => {
  await isGivenAgain(arm64, await folder(), 'SIGTERM')
})

test('SIGTERM lets what is live come to its end, and a second one does not', async () => {
  await endsInOrder(arm64, folder, 'SIGTERM')
})

// The cryptography is assembly of each processor's own.
test('it speaks TLS', async () => {
  const { key, cert, authority } = await certificate(home, 'localhost')
  const recorder = await arm64.serve(await folder(), '--tls-cert', cert, '--tls-key', key)
  const address = arm64.upstream.address()
  const { port } = new URL(recorder.url)
  const options = { host: '127.0.0.1', port, path: `/${address}`, servername: 'localhost' }
  const asking = request({ ...options, headers: { host: `localhost:${port}` }, ca: await readFile(authority) })
  asking.end()
  const entry = await arm64.upstream.asked(address)
  entry.head()
  entry.end('over TLS')
  const [response] = await once(asking, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  assert.deepEqual([response.statusCode, text], [200, 'over TLS'])
})

test('a setting that is wrong ends it with 2', async () => {
  const { code, stderr } = await arm64.run('serve', '--drain', 'soon')
  assert.match(stderr, /soon/)
  assert.equal(code, 2)
})
