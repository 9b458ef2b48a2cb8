import assert from 'node:assert/strict'
import { checkError, checkJs, checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { inEngines, readPage } from './lib/page.js'
import { REFUSED, policy } from './lib/policy.js'
import { project } from './lib/project.js'
import { checkReload } from './lib/reload.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'
import { startWorld } from './lib/world.js'

const ALLOWED = policy("'self' 'wasm-unsafe-eval'")
const slim = (report, world) => checkReport(report, world, { atImport: 1 })

for (const [page, file, check] of [
  ['default entry', 'direct.html', checkReport],
  ['slim', 'slim.html', slim],
]) {
  executes(`policy with 'wasm-unsafe-eval': ${page}`, async (t) => {
    const { dir } = await project('bare')
    const { url } = await serveStatic(t, dir, ALLOWED)
    return checkPage(t, `${url}/${file}`, { check })
  })
}

executes("policy without 'wasm-unsafe-eval': durablefetch/js", async (t) => {
  const { dir } = await project('bare')
  const { url } = await serveStatic(t, dir, REFUSED)
  return checkPage(t, `${url}/js.html`, { check: checkJs })
})

executes("policy without 'wasm-unsafe-eval': durablefetch/js, reloaded in the middle", async (t) => {
  const { dir } = await project('bare')
  const { url } = await serveStatic(t, dir, REFUSED)
  return checkReload(t, `${url}/reload-js.html`, { server: false, instances: 0 })
})

executes("policy without 'wasm-unsafe-eval': one clear error", (t) => inEngines((engine) => checkRefused(t, engine)))

async function checkRefused(t, engine) {
  const { dir } = await project('bare')
  const { url } = await serveStatic(t, dir, REFUSED)
  const world = await startWorld(t)
  const { report, errors, browser } = await readPage(t, engine, `${url}/refused.html`, world)
  assert.equal(report.error, undefined, JSON.stringify(report))
  for (const attempt of ['first', 'second', 'slim']) {
    checkError(report[attempt], `${attempt} of ${JSON.stringify(report)}`)
    assert.match(report[attempt].message, /script-src.*'wasm-unsafe-eval'/, 'the directive and the keyword are named')
  }
  for (const attempt of ['missing', 'missingSlim']) {
    checkError(report[attempt], `${attempt} of ${JSON.stringify(report)}`)
    assert.match(report[attempt].message, /^This platform has no WebAssembly/)
  }
  for (const { message } of Object.values(report)) {
    assert.match(message, /import 'durablefetch\/js'/, 'what works without')
    // The name of a package is not the word by which frameworks know a lost connection.
    assert.doesNotMatch(message, /network|fetch(?!\/)/i, 'nobody takes it for a lost connection')
  }
  assert.deepEqual(report.second, report.first, 'the same sentence each time')
  // Chromium and Firefox report each violation themselves; nothing else is in the console.
  assert.deepEqual(
    errors.filter((text) => !/Content.Security.Policy/.test(text)),
    [],
  )
  assert.equal(world.asked(`/stream?id=${world.id}`), 0)
  return browser
}
