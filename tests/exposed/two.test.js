// Two recorders behind nginx, as docs/scale.md has it: what is about one URL reaches the same one.
import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { blocksOf } from '../lib/blocks.js'
import { drive } from '../lib/driven.js'
import { openBrowser } from '../lib/engines.js'
import { freePort } from '../lib/listen.js'
import { freshProject } from '../lib/project.js'
import { startRecorder } from '../lib/recorder.js'
import { startUpstream } from '../lib/scripted-upstream.js'
import { runNginx } from '../lib/nginx.js'

const CHATS = 20
const HALF = 'the first half, '
const RECIPE = `
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto http;`

/** nginx with the pages of `root` and, below /df, the recorders. `lines`: what docs/scale.md shows. */
async function startNginx(t, { port, root, lines }) {
  await chmod(root, 0o755)
  const nginx = await runNginx(
    () => `
      types { text/html html; text/javascript js; application/wasm wasm; }
      access_log off;
      ${lines}
      server {
        listen 127.0.0.1:${port};
        root ${root};
        location /df/ { ${RECIPE} proxy_pass http://recorders; }
      }`,
  )
  t.after(() => nginx.stop())
}

test('status, rest and Stop of a chat reach the recorder that has it', async (t) => {
  const upstream = await startUpstream()
  t.after(() => upstream.stop())
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const flags = ['--base-path', '/df', '--public-origin', origin, '--allow', `${upstream.url}/`, '--unguessable-urls']
  const metrics = await Promise.all([freePort(), freePort()])
  const start = (metrics) => startRecorder({ flags: [...flags, '--metrics-listen', `127.0.0.1:${metrics}`] })
  const recorders = await Promise.all(metrics.map(start))
  for (const recorder of recorders) t.after(() => recorder.stop())
  const ports = recorders.map((recorder) => recorder.port)
  let lines = blocksOf('docs/scale.md').in('nginx')
  for (const [at, place] of ['10.0.0.5:8787', '10.0.0.6:8787'].entries())
    lines = lines.replace(place, `127.0.0.1:${ports[at]}`)
  assert.ok(ports.every((port) => lines.includes(`:${port};`)))
  const { dir } = await freshProject(t, fileURLToPath(new URL('../lib/page', import.meta.url)))
  await startNginx(t, { port, root: dir, lines })

  const browser = await openBrowser('chromium')
  t.after(() => browser.close())
  const open = async () => {
    const context = await browser.newContext()
    const page = await drive(await context.newPage(), `${origin}/index.html`, '/df')
    return { page, close: () => context.close() }
  }
  for (let chat = 0; chat < CHATS; chat += 1) {
    const address = upstream.address()
    const first = await open()
    await first.page.begin('asked', address, { method: 'POST', body: 'Why?' })
    const asked = await upstream.asked(address)
    asked.head()
    await asked.write(HALF)
    await first.page.until('asked', HALF.length)

    const again = await open()
    assert.equal((await again.page.call('isInProgress', address)).inProgress, true, `chat ${chat}: status`)
    await again.page.begin('joined', address, { method: 'POST', body: 'Why?' })
    assert.equal((await again.page.until('joined', HALF.length)).text, HALF)
    await again.close()

    const last = await open()
    assert.equal((await last.page.call('stop', address)).success, true, `chat ${chat}: Stop`)
    const { text, end } = await first.page.end('asked')
    assert.deepEqual([text, end], [HALF, 'clean'])
    assert.equal(upstream.count(address), 1)
    await Promise.all([first.close(), last.close()])
  }
  const started = await Promise.all(metrics.map(startsOf))
  assert.ok(
    started.every((starts) => starts > 0),
    `both have some: ${started}`,
  )
})

/** How many recordings a recorder has started, by its listener for metrics. */
async function startsOf(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^durablefetch_recordings_started_total(?:\{.*\})? (\d+)/m.exec(text)?.[1] ?? 0)
}
