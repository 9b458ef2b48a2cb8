// The package in an extension of manifest version 3: in its content script, and in its background, which is a service worker
// in Chromium and a page of no looks in Firefox. Both do what pages do, and their page is reloaded in the middle.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { extensionKey } from '../lib/extension.js'
import { serveStatic } from '../lib/static.js'
import { checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { addressOf, errorsOf, inEngines, openPage, reportOf } from './lib/page.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { reloadInMiddle } from './lib/reload.js'
import { startWorld } from './lib/world.js'

const { key, id } = extensionKey()
const uuid = crypto.randomUUID()
const ORIGINS = { chromium: `chrome-extension://${id}`, firefox: `moz-extension://${uuid}` }

for (const who of ['content script', 'background']) {
  executes(`MV3 extension, ${who}: and its page reloaded in the middle`, async (t) => {
    const made = await project('extension')
    const bundle = ['src/background.js', 'src/content.js', '--bundle', '--outdir=dist']
    await run('esbuild', bundle, { cwd: made.dir, env: made.env })
    const file = join(made.dir, 'manifest.json')
    const manifest = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...manifest, key }))
    const gecko = manifest.browser_specific_settings.gecko.id
    const options = {
      extension: made.dir,
      preferences: { 'extensions.webextensions.uuids': JSON.stringify({ [gecko]: uuid }) },
    }
    const { url } = await serveStatic(t, made.dir)
    const engines = await inEngines((engine) => check(t, engine, `${url}/?does=${who.split(' ')[0]}`, options), {
      but: 'webkit',
    })
    return `esbuild ${await made.version('esbuild')}, ${engines}`
  })
}

async function check(t, engine, address, options) {
  const world = () => startWorld(t, { args: ['--origin', ORIGINS[engine]] })
  const page = await openPage(t, engine, options)
  const first = await world()
  await page.goto(addressOf(address, first))
  checkReport(await reportOf(page, first), first)
  assert.deepEqual(await errorsOf(page), [], 'no errors in the console')
  await reloadInMiddle(page, `${address}-reload`, await world())
  await page.close()
  return page.version
}
