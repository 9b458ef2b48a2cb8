// The package in workers: no document, no window, no localStorage.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { startCutProxy } from '../lib/cut-proxy.js'
import { listen } from '../lib/listen.js'
import { checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { inEngines, readPage } from './lib/page.js'
import { project } from './lib/project.js'
import { serveStatic } from '../lib/static.js'
import { BODY } from './lib/upstream.js'
import { startWorld } from './lib/world.js'

const SCOPES = {
  web: 'DedicatedWorkerGlobalScope',
  shared: 'SharedWorkerGlobalScope',
  service: 'ServiceWorkerGlobalScope',
}

for (const [kind, scope] of Object.entries(SCOPES)) {
  executes(`no bundler: ${kind} worker`, (t) => inEngines((engine) => checkWorker(t, engine, kind, scope)))
}

async function checkWorker(t, engine, kind, scope) {
  const { dir } = await project('bare')
  const { url } = await serveStatic(t, dir)
  const world = await startWorld(t)
  const proxy = await startCutProxy({ targetPort: new URL(world.recorder).port })
  t.after(() => proxy.stop())
  const control = await serveCut(t, proxy)
  const query = new URLSearchParams({
    ...Object.fromEntries(new URLSearchParams(world.query)),
    kind,
    proxy: proxy.url,
    control,
  })
  const { report, browser } = await readPage(t, engine, `${url}/workers.html`, { ...world, query: query.toString() })
  const about = JSON.stringify(report)
  checkReport(report, world)
  assert.equal(report.scope, scope)
  assert.equal(report.storage, 'undefined')
  assert.equal(report.reconnected, BODY.length, about)
  assert.deepEqual(report.phases, ['waiting', 'connected'], about)
  assert.equal(world.asked(`/stream?id=${world.id}-cut`), 1, 'the upstream was asked once')
  const text = { text: 'hello' }
  assert.deepEqual(report.last, { saved: text, before: false, during: true, sent: [text], cleared: true })
  return browser
}

/** An address that cuts all connections through the proxy. */
async function serveCut(t, proxy) {
  const server = createServer((_request, response) => {
    proxy.cutNow()
    response.writeHead(204, { 'access-control-allow-origin': '*' }).end()
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return `http://127.0.0.1:${port}`
}
