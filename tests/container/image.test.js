// The recorder's image, run by podman as a careful operator runs it: another user than root, nothing writable but its
// volume, no capability, and no configuration but the environment.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:https'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { freePort, listen } from '../lib/listen.js'
import { startUpstream } from '../lib/scripted-upstream.js'
import { ask, ORIGIN } from './lib/ask.js'
import { certificate } from '../lib/certificate.js'
import { openPodman } from './lib/podman.js'

const exec = promisify(execFile)

let engine
let files
before(async () => {
  engine = await openPodman(process.env.IMAGE)
  files = await mkdtemp(join(tmpdir(), 'durablefetch-container-'))
})
after(async () => {
  await engine?.close()
  await rm(files, { recursive: true, force: true })
})

/** On the network of this machine, with ports that are free there. */
async function settings(allow, more = {}) {
  const port = await freePort()
  const env = {
    DURABLEFETCH_LISTEN: `0.0.0.0:${port}`,
    DURABLEFETCH_METRICS_LISTEN: `127.0.0.1:${await freePort()}`,
    DURABLEFETCH_PUBLIC_ORIGIN: ORIGIN,
    DURABLEFETCH_ALLOW: allow,
    DURABLEFETCH_UNGUESSABLE_URLS: 'true',
    ...more,
  }
  return { port, env }
}

test('a recording is read after a restart, and the health check tells how it is', async (t) => {
  const upstream = await startUpstream()
  t.after(upstream.stop)
  const { port, env } = await settings(upstream.url)
  const name = 'restart'
  let container = engine.run(name, { env, args: ['--network=host', '--volume=restart:/data'] })
  await container.listening()
  const url = upstream.address()
  const asking = ask(port, '/', { 'durablefetch-url': url })
  const request = await upstream.asked(url)
  request.head()
  request.end('kept in the volume')
  assert.equal(await (await asking).text(), 'kept in the volume')
  const well = await engine.inside(name, 'healthcheck')
  assert.deepEqual(well, { code: 0, text: `the recorder at http://127.0.0.1:${port}/healthz is well\n` })
  await engine.podman('stop', '--time', '60', name)
  assert.equal(await container.ended(), 0, container.output())

  container = engine.start(name)
  await container.listening()
  const again = await ask(port, '/', { 'durablefetch-url': url })
  assert.deepEqual([again.headers['durablefetch-state'], await again.text()], ['complete', 'kept in the volume'])
  assert.equal(upstream.count(url), 1)
  await engine.podman('stop', '--time', '60', name)
  await container.ended()
})

test('`podman stop` lets a live answer end', async (t) => {
  const upstream = await startUpstream()
  t.after(upstream.stop)
  const { port, env } = await settings(upstream.url, { DURABLEFETCH_DRAIN: '1m' })
  const container = engine.run('drain', { env })
  await container.listening()
  const url = upstream.address()
  const asking = ask(port, '/', { 'durablefetch-url': url })
  const request = await upstream.asked(url)
  request.head()
  await request.write('before, ')
  const answer = await asking
  const stopping = engine.podman('stop', '--time', '90', 'drain')
  await untilDraining(port)
  const next = await ask(port, '/', { 'durablefetch-url': upstream.address() })
  assert.deepEqual([next.status, next.headers['durablefetch-error']], [503, 'shutting-down'])
  next.response.resume()
  request.end('and after')
  assert.equal(await answer.text(), 'before, and after')
  await stopping
  assert.equal(await container.ended(), 0, container.output())
})

/** Asked again: no event tells of it. */
async function untilDraining(port) {
  const until = Date.now() + 30_000
  for (;;) {
    const { status, response } = await ask(port, '/readyz')
    response.resume()
    if (status === 503) return
    assert.ok(Date.now() < until, `it is still ready: ${status}`)
  }
}

test('all defaults are fit for a container, and it is well in a network of its own', async () => {
  const env = {
    DURABLEFETCH_PUBLIC_ORIGIN: ORIGIN,
    DURABLEFETCH_ALLOW_ANY: 'true',
    DURABLEFETCH_UNGUESSABLE_URLS: 'true',
  }
  const container = engine.run('defaults', { env, args: ['--network=none'] })
  await container.listening()
  assert.match(container.output(), /listening on http:\/\/0\.0\.0\.0:8787$/m)
  assert.equal((await engine.inside('defaults', 'healthcheck')).code, 0)
  const metrics = await engine.inside('defaults', 'healthcheck', '--listen', '127.0.0.1:9187')
  assert.match(metrics.text, /\(status 200 OK\) is not a durablefetch recorder/)
  const [{ Config }] = JSON.parse(await engine.podman('inspect', '--type', 'container', 'defaults'))
  assert.deepEqual([Config.User, Config.StopSignal, Object.keys(Config.Volumes ?? {})], ['65532:65532', 15, []])
  await engine.podman('stop', 'defaults')
  assert.equal(await container.ended(), 0)
})

test('it is not an open relay: without rules it does not start, and says which', async () => {
  const container = engine.run('relay')
  assert.equal(await container.ended(), 2)
  for (const flag of ['--public-origin', '--allow', '--token-secret'])
    assert.match(container.output(), new RegExp(flag))
})

test('a volume that it may not write to is one sentence', async () => {
  const data = join(files, 'of-root')
  await mkdir(data, { mode: 0o755 })
  const { env } = await settings('https://api.example/')
  const container = engine.run('unwritable', { env, args: ['--network=host', `--volume=${data}:/data`] })
  assert.equal(await container.ended(), 1)
  const said = container
    .output()
    .split('\n')
    .filter((line) => !/ (INFO|WARN) /.test(line))
  assert.equal(said.length, 1, said.join('\n'))
  assert.match(said[0], /^durablefetch: .*\/data.*(denied|permission)/i)
})

test('an https upstream is checked against the roots in the image, or those that SSL_CERT_FILE names', async (t) => {
  const { key, cert, authority } = await certificate(files, 'localhost')
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_request, response) =>
    response.end('over TLS'),
  )
  const { port: at, stop } = await listen(server)
  t.after(stop)
  const url = `https://localhost:${at}/`
  for (const [name, more, args, expected] of [
    ['roots', {}, [], [502, /UnknownIssuer/]],
    ['named-roots', { SSL_CERT_FILE: '/roots.pem' }, [`--volume=${authority}:/roots.pem:ro`], [200, /^over TLS$/]],
  ]) {
    const { port, env } = await settings(url, more)
    const container = engine.run(name, { env, args: ['--network=host', ...args] })
    await container.listening()
    const answer = await ask(port, '/', { 'durablefetch-url': url })
    const text = await answer.text()
    assert.equal(answer.status, expected[0], text)
    assert.match(text, expected[1])
    await engine.podman('stop', name)
    await container.ended()
  }
})

test('it has Mozilla’s roots, the licences of all crates, and no more files than it needs', async () => {
  const tar = join(files, 'rootfs.tar')
  await engine.podman('create', '--name', 'files', engine.image)
  await engine.podman('export', '--output', tar, 'files')
  const { stdout } = await exec('tar', ['--list', '--file', tar])
  const own = stdout
    .split('\n')
    .filter(
      (path) =>
        path && !path.endsWith('/') && !/^(dev|etc\/(hosts|hostname|resolv\.conf|mtab)|proc|run|sys)(\/|$)/.test(path),
    )
  assert.deepEqual(own.sort(), [
    'etc/ssl/certs/ca-certificates.crt',
    'usr/local/bin/durablefetch',
    'usr/share/licenses/durablefetch/LICENSE-APACHE',
    'usr/share/licenses/durablefetch/LICENSE-MIT',
    'usr/share/licenses/durablefetch/LICENSES-OF-CRATES.txt',
  ])
  const read = async (path) =>
    (await exec('tar', ['--extract', '--to-stdout', '--file', tar, path], { maxBuffer: 1 << 26 })).stdout
  const roots = (await read('etc/ssl/certs/ca-certificates.crt')).match(/BEGIN CERTIFICATE/g)
  assert.ok(roots.length > 50, `${roots.length} roots`)
  assert.match(await read('usr/share/licenses/durablefetch/LICENSES-OF-CRATES.txt'), /^rustls 0/m)
})
