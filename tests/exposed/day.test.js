// An operator's day, one thing after the other, with the same recorder behind the same nginx: 200 live answers, a certificate that
// is rotated under them, a typo, a restart, a full disk, a question, a backup, somebody who wants to be forgotten, a restored backup.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { certificate } from '../lib/certificate.js'
import { startNginx } from '../lib/nginx.js'
import { within } from '../lib/deadline.js'
import { startKillableRecorder } from '../lib/killable-recorder.js'
import { freePort } from '../lib/listen.js'
import { logLines } from '../lib/log-lines.js'
import { freshProject } from '../lib/project.js'
import { BINARY as RECORDER } from '../lib/recorder.js'
import { startUpstream } from '../lib/scripted-upstream.js'

const exec = promisify(execFile)
const APP = 'https://app.example'
const HALF = 'the first half, '
const REST = 'and the rest'
const LIVE = 200
/** One process is all pages and the app besides: more of them would measure that. */
const STARTS = 40
const PEOPLE = 10
// As docs/deploy.md has it.
const RECIPE = `
  proxy_http_version 1.1;
  proxy_set_header Host app.example;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto https;
  client_max_body_size 32m;
  proxy_read_timeout 1h;`

const chat = (number) => `${APP}/api/chat/${number}`
/** The answer that is large, of somebody who has no other: who has most gives first, what was unused for longest. */
const LARGE = 499
const person = (number) => ({ authorization: `Bearer person ${number === LARGE ? 'with much' : number % PEOPLE}` })

/** Asks until the answer is one: no event tells of what an operator looks at. */
async function until(what, ask) {
  const asking = async () => {
    for (;;) {
      const answer = await ask()
      if (answer) return answer
    }
  }
  return within(30_000, what, asking())
}

/** A disk of its own for the data, small enough to be filled. */
function disk(folder) {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'none', folder], { encoding: 'utf8' })
  assert.equal(mounted.status, 0, `this test mounts a file system, which takes root: ${mounted.stderr}`)
  const fill = join(folder, 'fill')
  return {
    fill: () => spawnSync('sh', ['-c', 'head -c 100m /dev/zero > "$0" 2>/dev/null', fill]),
    free: () => rm(fill),
    stop: () => exec('umount', [folder]),
  }
}

test('an operator’s day', { timeout: 600_000 }, async (t) => {
  assert.ok(process.env.JQ, 'JQ names the program; `cargo xtask test --only "behind nginx"` installs it')
  const folder = await mkdtemp(join(tmpdir(), 'durablefetch-day-'))
  const stops = [() => rm(folder, { recursive: true, force: true })]
  t.after(async () => {
    for (const stop of stops.reverse()) await stop()
  })
  const start = async (starting) => {
    const started = await starting
    stops.push(() => started.stop())
    return started
  }
  const data = await mkdtemp(join(folder, 'data-'))
  const { fill, free } = await start(disk(data))
  const { cert, key } = await certificate(folder, 'recorder.example')
  const upstream = await start(startUpstream())
  const metricsPort = await freePort()
  const recorder = await start(
    startKillableRecorder({
      data,
      args: [
        ...['--public-origin', APP, '--base-path', '/df', '--allow', `${APP}/api/`, '--map', `${APP}=${upstream.url}`],
        ...['--scope-by', 'authorization', '--tls-cert', cert, '--tls-key', key, '--drain', '5m', '--node', 'eu-1'],
        ...['--metrics-listen', `127.0.0.1:${metricsPort}`, '--log-format', 'json'],
      ],
    }),
  )
  const nginx = await start(startNginx({ targetPort: recorder.port, location: RECIPE, scheme: 'https' }))

  const { dir } = await freshProject(t, fileURLToPath(new URL('day', import.meta.url)))
  const { DurableFetchClient } = await import(pathToFileURL(join(dir, 'client.js')))
  const waiting = new Set()
  const onReconnect = ({ url, phase }) => phase === 'waiting' && waiting.add(url)
  const df = new DurableFetchClient({ durablefetchHost: `${nginx.url}/df`, onReconnect })
  const fetches = (number) =>
    df.fetch(chat(number), { method: 'POST', headers: person(number), body: `question ${number}` })
  /** Somebody who has read half an answer. `rest` resolves to all of it. */
  const reads = async (number) => {
    const fetched = fetches(number)
    const asked = await upstream.asked(chat(number))
    asked.head()
    asked.write(HALF)
    const reader = (await fetched).body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (text.length < HALF.length) text += (await reader.read()).value
    const rest = async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += value
      }
    }
    return { asked, rest: rest() }
  }
  /** What the recorder has of it, without asking the app. */
  const replay = (number) =>
    fetch(`${nginx.url}/df/`, {
      headers: { ...person(number), 'durablefetch-url': chat(number), 'durablefetch-mode': 'replay' },
    })
  const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  const readyz = async () => (await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).json()
  const operator = async (...words) =>
    JSON.parse((await exec(RECORDER, [...words, '--json', '--data', data], { maxBuffer: 1 << 26 })).stdout)
  const lines = () => logLines(recorder)

  let live
  await t.test('200 answers are live', async () => {
    live = await Promise.all(Array.from({ length: LIVE }, (_, number) => reads(number)))
    assert.match(await metrics(), /^durablefetch_recordings\{state="streaming"\} 200$/m)
    assert.match(await metrics(), /^durablefetch_build_info\{.*node="eu-1".*\} 1$/m)
    assert.equal((await operator('ls', '--state', 'live', '--limit', '500')).recordings.length, LIVE)
  })

  await t.test('the certificate is rotated under them', async () => {
    const shown = () =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: recorder.port, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().fingerprint256)
          socket.destroy()
        }).once('error', reject)
      })
    const before = await shown()
    await certificate(folder, 'recorder.example')
    recorder.hangUp()
    await until('the new certificate is shown', async () => (await shown()) !== before)
    assert.match(await metrics(), /^durablefetch_recordings\{state="streaming"\} 200$/m)
  })

  await t.test('a typo in a variable is found before it does harm', async () => {
    const env = { ...process.env, DURABLEFETCH_DRAINS: '1m' }
    const { status, stderr } = spawnSync(RECORDER, ['serve', '--dry-run'], { env, encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr, /DURABLEFETCH_DRAINS; the nearest is DURABLEFETCH_DRAIN:/)
  })

  await t.test('a restart: what is live ends whole, and what is new begins with the next process', async (t) => {
    const ended = recorder.terminate()
    await until('it drains', async () => (await readyz()).reasons?.[0].reason === 'draining')
    const numbers = Array.from({ length: STARTS }, (_, index) => LIVE + index)
    const begun = numbers.map(fetches)
    await until('all new ones wait', () => new Promise((resolve) => setImmediate(resolve, waiting.size >= STARTS)))
    for (const { asked } of live) asked.end(REST)
    for (const text of await Promise.all(live.map(({ rest }) => rest))) assert.equal(text, HALF + REST)
    await ended
    await recorder.restart()
    const ready = performance.now()
    const waits = numbers.map(async (number) => {
      const asked = await upstream.asked(chat(number))
      const waited = performance.now() - ready
      asked.head()
      asked.end(HALF)
      return waited
    })
    const waited = (await Promise.all(waits)).sort((a, b) => a - b)
    for (const response of await Promise.all(begun)) assert.equal(await response.text(), HALF)
    const last = waited.at(-1)
    t.diagnostic(`${STARTS} starts came within ${Math.round(last)} ms of readiness`)
    assert.ok(last <= 1000, `${last} ms`)
    for (const number of [...live.keys(), ...numbers]) assert.equal(upstream.count(chat(number)), 1, chat(number))
  })

  await t.test('the disk is full: it says so, an old answer goes for what is live, and all is well again', async () => {
    const large = fetches(LARGE)
    const asked = await upstream.asked(chat(LARGE))
    asked.head()
    asked.end(Buffer.alloc(8 << 20, 'x'))
    assert.equal((await (await large).text()).length, 8 << 20)
    const one = await reads(500)
    fill()
    await until('it has no room', async () => (await readyz()).reasons?.[0].reason === 'no-room')
    one.asked.end(REST)
    assert.equal(await one.rest, HALF + REST)
    await until('it has room', async () => (await readyz()).ready)
    assert.equal((await replay(LARGE)).status, 404, 'it made room')
    await free()
    const next = await reads(501)
    next.asked.end(REST)
    assert.equal(await next.rest, HALF + REST)
    assert.equal(await (await replay(501)).text(), HALF + REST)
    assert.equal(upstream.count(chat(501)), 1)
  })

  await t.test('why did it fail at 14:03? One command tells', async () => {
    const fetched = fetches(600)
    const asked = await upstream.asked(chat(600))
    asked.head(500)
    asked.end('no')
    assert.equal((await fetched).status, 500)
    const failed = await until('its line is written', async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return lines().find((line) => line.message === 'ended' && line.url === chat(600))
    })
    await writeFile(join(folder, 'recorder.log'), recorder.output())
    const page = await readFile(fileURLToPath(new URL('../../docs/logs.md', import.meta.url)), 'utf8')
    const [, command] = /^```sh\n(jq .*"T14:03".*)\n```$/m.exec(page)
    // The first line of a recorder is not of its log.
    const script = `jq() { "${process.env.JQ}" "$@"; }; sed -i '/^{/!d' recorder.log; ${command}`
    const at = script.replace('T14:03', failed.timestamp.slice(10, 16))
    const { stdout } = await exec('bash', ['-c', at], { cwd: folder })
    const answer = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { url, upstream_status, scope } = answer.find((line) => line.url === chat(600))
    assert.deepEqual([url, upstream_status, scope], [chat(600), 500, failed.scope])
    assert.equal(failed.node, 'eu-1')
  })

  const backup = join(folder, 'backup')
  await t.test('a backup is made while an answer is live', async () => {
    const one = await reads(700)
    await operator('backup', backup)
    one.asked.end(REST)
    assert.equal(await one.rest, HALF + REST)
  })

  await t.test('somebody is forgotten, and nobody else', async () => {
    const { scope } = lines().find((line) => line.message === 'ended' && line.url === chat(501))
    assert.equal((await replay(501)).status, 200)
    await operator('rm', '--scope', scope)
    assert.equal((await operator('ls', '--scope', scope)).recordings.length, 0)
    assert.equal((await replay(501)).status, 404)
    assert.equal(await (await replay(700)).text(), HALF + REST)
    const audit = lines().filter((line) => line.target === 'durablefetch::audit' && line.scope === scope)
    assert.ok(audit.length > 0, 'the log has it')
  })

  await t.test('the backup is restored: what it had is there, and what was live then is interrupted', async () => {
    await recorder.terminate()
    await recorder.restart(undefined, { from: backup })
    assert.equal(await (await replay(501)).text(), HALF + REST)
    const cut = await replay(700)
    assert.equal(cut.headers.get('durablefetch-state'), 'interrupted')
    await assert.rejects(cut.text())
    const next = await reads(800)
    next.asked.end(REST)
    assert.equal(await next.rest, HALF + REST)
  })
})
