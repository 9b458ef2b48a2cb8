// Behind Caddy, with the configuration that stands in docs/deploy.md.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { within } from '../lib/deadline.js'
import { listen } from '../lib/listen.js'
import { BINARY, startRecorder } from '../lib/recorder.js'

const { CADDY } = process.env
const PAGE = fileURLToPath(new URL('../../docs/deploy.md', import.meta.url))

/** The text of the page, for this recorder and this app, at this origin. */
async function configuration(origin, recorder, app) {
  const page = await readFile(PAGE, 'utf8')
  let [, config] = /## Caddy\n[\s\S]*?```caddyfile\n([\s\S]*?)```/.exec(page)
  for (const [written, here] of [
    ['app.example', origin],
    ['127.0.0.1:8787', `127.0.0.1:${recorder.port}`],
    ['127.0.0.1:3000', `127.0.0.1:${app.port}`],
  ]) {
    assert.ok(config.includes(written), `the page names ${written}`)
    config = config.replace(written, here)
  }
  return `{\n  admin off\n  auto_https off\n}\n${config}`
}

test('the configuration of docs/deploy.md passes streams, and the app beside them', async (t) => {
  assert.ok(CADDY, 'CADDY names the program; `cargo xtask test --only "behind nginx"` installs it')
  const app = await listen(createServer((_, response) => response.end('the app')))
  t.after(app.stop)
  const folder = await mkdtemp(join(tmpdir(), 'durablefetch-caddy-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  // The public origin is Caddy's, whose port is known before the recorder starts.
  const { port, stop } = await listen(createServer())
  stop()
  const origin = `http://localhost:${port}`
  const recorder = await startRecorder({
    flags: ['--base-path', '/df', '--public-origin', origin, '--allow', origin, '--unguessable-urls'],
  })
  t.after(() => recorder.stop())
  const file = join(folder, 'Caddyfile')
  await writeFile(file, await configuration(origin, recorder, app))

  const env = { ...process.env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const checked = spawnSync(CADDY, ['validate', '--adapter', 'caddyfile', '--config', file], { env, encoding: 'utf8' })
  assert.equal(checked.status, 0, checked.stderr)
  const caddy = spawn(CADDY, ['run', '--adapter', 'caddyfile', '--config', file], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(async () => {
    caddy.kill()
    if (caddy.exitCode === null && caddy.signalCode === null) await once(caddy, 'exit')
  })
  const serves = new Promise((resolve) => {
    caddy.stderr.setEncoding('utf8').on('data', (text) => text.includes('serving initial configuration') && resolve())
  })
  await within(20_000, 'Caddy serves', serves)

  assert.equal(await (await fetch(`${origin}/anything`)).text(), 'the app')
  const check = spawn(BINARY, ['check', `${origin}/df`, '--silence', '3s', '--upstream', `${origin}/anything`])
  let output = ''
  for (const stream of [check.stdout, check.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(check, 'close')
  assert.equal(code, 0, output)
  for (const said of [
    /ok +streaming is live/,
    /ok +streaming of plain text is live/,
    /headers get through/,
    /is fetched/,
  ]) {
    assert.match(output, said)
  }
})
