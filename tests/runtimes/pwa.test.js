// A page under the service worker that Workbox makes, and the same with a rule that no app with a recorder should have.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { serveStatic } from '../lib/static.js'
import { executes } from './lib/executes.js'
import { versions } from './lib/frameworks.js'
import { addressOf, errorsOf, inEngines, openPage, reportOf } from './lib/page.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { reloadInMiddle } from './lib/reload.js'
import { BODY, DIGEST } from './lib/upstream.js'
import { startWorld } from './lib/world.js'

for (const [what, everything] of [
  ["Workbox's precache", ''],
  ['CacheFirst over everything', 'yes'],
]) {
  executes(`PWA, ${what}: reloaded in the middle, then asked anew`, async (t) => {
    const made = await project('pwa')
    const { dir, env } = made
    await run('vite', ['build'], { cwd: dir, env: { ...env, EVERYTHING: everything } })
    const { url } = await serveStatic(t, join(dir, 'dist'))
    const engines = await inEngines((engine) => check(t, engine, `${url}/`, Boolean(everything)))
    const packages = { 'vite-plugin-pwa': 'vite-plugin-pwa', Workbox: 'workbox-build', Vite: 'vite' }
    return versions(made, packages, engines)
  })
}

async function check(t, engine, address, keepsAnswers) {
  const page = await openPage(t, engine)
  const world = await startWorld(t)
  await reloadInMiddle(page, address, world)
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller !== null), true, 'it is under the worker')

  // Of another address, as one that differs in its hash alone is no other page.
  await page.goto(`${addressOf(`${address}?again`, world)}#again`)
  const { recorded, anew, kept, error } = await reportOf(page, world)
  const whole = { length: BODY.length, digest: DIGEST }
  assert.equal(error, undefined)
  assert.deepEqual(recorded, { ...whole, asked: '1' })
  assert.deepEqual(anew, { ...whole, asked: '2' }, 'a new answer is none that the worker has kept')
  assert.equal(kept > 0, keepsAnswers, `${kept} answers of the recorder are in the worker's cache`)
  assert.deepEqual(await errorsOf(page), [], 'no errors in the console')
  await page.close()
  return page.version
}
