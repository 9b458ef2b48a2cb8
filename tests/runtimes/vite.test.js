import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkJs, checkMixed, checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { serve, run } from './lib/process.js'
import { REFUSED } from './lib/policy.js'
import { project } from './lib/project.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

const pages = [
  { page: 'default entry', root: '.', check: checkReport, modules: 0 },
  { page: 'slim', root: 'slim', check: (report, world) => checkReport(report, world, { atImport: 1 }), modules: 1 },
  { page: 'both entries', root: 'mixed', check: checkMixed, modules: 1 },
  { page: 'durablefetch/js', root: 'js', check: checkJs, modules: 0, headers: REFUSED },
]

for (const { page, root, check, modules, headers } of pages) {
  executes(`Vite, dev server: ${page}`, async (t) => {
    const { dir, bin, version } = await project('vite')
    const { found } = await serve(t, bin('vite'), [root, '--host', '127.0.0.1', '--port', '0'], {
      cwd: dir,
      ready: /Local:\s+(http:\/\/[^/\s]+)/,
    })
    const browser = await checkPage(t, `${found[1]}/`, { check })
    return `Vite ${await version('vite')}, ${browser}`
  })

  executes(`Vite, build: ${page}`, async (t) => {
    const { dir, bin, version } = await project('vite')
    // A module as small as a test's would become a data: URL.
    await run(bin('vite'), ['build', root, '--assetsInlineLimit', '0'], { cwd: dir })
    const assets = await readdir(join(dir, root, 'dist/assets'))
    assert.equal(assets.filter((name) => name.endsWith('.wasm')).length, modules, `wasm files among ${assets}`)
    const { url } = await serveStatic(t, join(dir, root, 'dist'), headers)
    const browser = await checkPage(t, `${url}/`, { check })
    return `Vite ${await version('vite')}, ${browser}`
  })
}
