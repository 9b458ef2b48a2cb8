// Requests that nginx and the recorder behind it could read differently, on a connection that nginx uses again: the
// recorder must see as many requests as nginx has sent it, and each client the answer to its own.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { within } from '../lib/deadline.js'
import { NGINX, startNginx } from '../lib/nginx.js'
import { startWorld } from '../lib/world.js'

/** All that comes back for these bytes. The other side closes, or is silent for a while. */
async function raw(port, bytes) {
  const socket = connect(port, '127.0.0.1')
  const parts = []
  socket.on('data', (part) => parts.push(part)).on('error', () => {})
  socket.setTimeout(500, () => socket.destroy())
  socket.write(bytes)
  await within(20_000, 'the connection closes', once(socket, 'close'))
  return Buffer.concat(parts).toString('latin1')
}

/** How many requests the recorder has answered. */
async function answered(port) {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const counts = metrics.matchAll(/^durablefetch_http_responses_total\{[^}]*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

const SMUGGLED = 'GET /healthz?smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n'

/** By name: the head's lines behind the first, and what comes behind the head. */
const TRICKS = {
  'a length and chunks': [['content-length: 6', 'transfer-encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
  'chunks and a length': [['transfer-encoding: chunked', 'content-length: 6'], `0\r\n\r\n${SMUGGLED}`],
  'a length short of the chunks': [
    ['content-length: 4', 'transfer-encoding: chunked'],
    `2a\r\n${SMUGGLED}\r\n0\r\n\r\n`,
  ],
  'another coding': [['content-length: 5', 'transfer-encoding: xchunked'], `0\r\n\r\n${SMUGGLED}`],
  'a coding behind chunked': [['content-length: 5', 'transfer-encoding: chunked, identity'], `0\r\n\r\n${SMUGGLED}`],
  'a coding before chunked': [['content-length: 5', 'transfer-encoding: gzip, chunked'], `0\r\n\r\n${SMUGGLED}`],
  'chunked twice': [['transfer-encoding: chunked', 'transfer-encoding: identity'], `0\r\n\r\n${SMUGGLED}`],
  'a blank before the colon': [['content-length: 5', 'transfer-encoding : chunked'], `0\r\n\r\n${SMUGGLED}`],
  'a tab': [['content-length: 5', 'transfer-encoding:\tchunked'], `0\r\n\r\n${SMUGGLED}`],
  'a vertical tab': [['content-length: 5', 'transfer-encoding: \x0bchunked'], `0\r\n\r\n${SMUGGLED}`],
  'an underscore': [['content-length: 5', 'transfer_encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
  'a folded line': [['content-length: 5', 'transfer-encoding:\r\n chunked'], `0\r\n\r\n${SMUGGLED}`],
  'a coding hidden by a CR': [['content-length: 5', 'x: y\rtransfer-encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
  'a coding behind a bare LF': [['content-length: 5', 'x: y\ntransfer-encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
  'two lengths': [['content-length: 5', 'content-length: 60'], `12345${SMUGGLED}`],
  'two lengths in one': [['content-length: 5, 60'], `12345${SMUGGLED}`],
  'a signed length': [['content-length: +5'], `12345${SMUGGLED}`],
  'a length in hex': [['content-length: 0x5'], `12345${SMUGGLED}`],
  'a length with an underscore': [['content_length: 60', 'content-length: 5'], `12345${SMUGGLED}`],
  'no length': [[], SMUGGLED],
  'chunks in hex of another spelling': [['transfer-encoding: chunked'], `0x5\r\n12345\r\n0\r\n\r\n${SMUGGLED}`],
  'a chunk that is too large to count': [
    ['transfer-encoding: chunked'],
    `10000000000000005\r\n12345\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  'a negative chunk': [['transfer-encoding: chunked'], `-1\r\n12345\r\n0\r\n\r\n${SMUGGLED}`],
  'an extension with a bare LF': [['transfer-encoding: chunked'], `5;a\nb\r\n12345\r\n0\r\n\r\n${SMUGGLED}`],
  'a chunk that ends in another way': [['transfer-encoding: chunked'], `5\r\n12345xx0\r\n\r\n${SMUGGLED}`],
  'chunks with bare LFs': [['transfer-encoding: chunked'], `5\n12345\n0\n\n${SMUGGLED}`],
  'trailers that are heads': [
    ['transfer-encoding: chunked'],
    `0\r\ncontent-length: 60\r\nhost: evil\r\n\r\n${SMUGGLED}`,
  ],
  'an upgrade': [['connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__'], SMUGGLED],
  'a connection that names its length': [['connection: content-length', 'content-length: 5'], `12345${SMUGGLED}`],
  expectations: [['expect: 100-continue', 'content-length: 5'], `12345${SMUGGLED}`],
}

test('smuggling through nginx', async (t) => {
  t.diagnostic(spawnSync(NGINX, ['-v'], { encoding: 'utf8' }).stderr.trim())
  const { recorder, start } = await startWorld(t)
  const nginx = await start(startNginx({ targetPort: recorder.port, keepsAlive: true }))

  const victim = async () => {
    const answer = await fetch(`${nginx.url}/robots.txt`)
    assert.deepEqual([answer.status, (await answer.text()).split('\n')[0]], [200, 'User-agent: *'])
  }
  /** How many requests nginx has written down since then; it writes a moment after it has answered. */
  const known = async (since, expected) => {
    const until = Date.now() + 5_000
    let count
    do count = (await nginx.asked()).length - since
    while (count < expected && Date.now() < until)
    return count
  }
  await victim()
  await victim()
  assert.equal(await known(0, 2), 2)

  await t.test('a request that nginx does not know of is seen', async () => {
    const before = await answered(recorder.port)
    await raw(recorder.port, 'GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    assert.equal((await answered(recorder.port)) - before - 1, 1)
  })

  for (const [what, [lines, behind]] of Object.entries(TRICKS)) {
    for (const line of ['POST /in-progress', 'GET /healthz']) {
      await t.test(`${what}: ${line}`, async () => {
        const before = { answered: await answered(recorder.port), asked: (await nginx.asked()).length }
        const head = [`${line} HTTP/1.1`, 'host: localhost', ...lines].join('\r\n')
        const attack = raw(nginx.port, `${head}\r\n\r\n${behind}`)
        // Somebody else asks meanwhile, and after.
        await victim()
        await attack
        await victim()
        // The first look at the metrics is answered itself.
        const seen = (await answered(recorder.port)) - before.answered - 1
        assert.equal(await known(before.asked, seen), seen, 'requests that nginx knows of')
      })
    }
  }
})
