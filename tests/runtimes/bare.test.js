import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkMixed, checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { project } from './lib/project.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

const slim = (report, world) => checkReport(report, world, { atImport: 1 })
const pages = [
  { page: 'import map', file: 'index.html', check: checkReport },
  { page: 'path of the file', file: 'direct.html', check: checkReport },
  { page: 'slim, compiled while it arrives', file: 'slim.html', check: slim },
  { page: 'both entries', file: 'mixed.html', check: checkMixed },
]

for (const { page, file, check } of pages) {
  executes(`no bundler: ${page}`, async (t) => {
    const { dir } = await project('bare')
    const { exports } = JSON.parse(await readFile(join(dir, 'node_modules/durablefetch/package.json'), 'utf8'))
    assert.equal(exports['.'].default, './index.js', 'the paths in these pages are those of the exports map')
    assert.equal(exports['./slim'].default, './slim.js')
    assert.equal(exports['./wasm'], './wasm/durablefetch_bg.wasm')
    const { url } = await serveStatic(t, dir)
    return checkPage(t, `${url}/${file}`, { check })
  })
}
