import { checkJs, checkMixed, checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { REFUSED } from './lib/policy.js'
import { project } from './lib/project.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

const slim = (report, world) => checkReport(report, world, { atImport: 1 })
const builds = [
  { build: 'production', options: ['--mode', 'production'], page: '', check: checkReport },
  { build: 'development', options: ['--mode', 'development'], page: '', check: checkReport },
  {
    build: 'slim',
    options: ['--mode', 'production', '--entry', './src/slim.js', '--output-filename', 'slim.js'],
    page: 'slim.html',
    check: slim,
  },
  {
    build: 'both entries',
    options: ['--mode', 'production', '--entry', './src/mixed.js', '--output-filename', 'mixed.js'],
    page: 'mixed.html',
    check: checkMixed,
  },
  {
    build: 'durablefetch/js',
    options: ['--mode', 'production', '--entry', './src/js.js', '--output-filename', 'js.js'],
    page: 'js.html',
    check: checkJs,
    headers: REFUSED,
  },
]

for (const { build, options, page, check, headers } of builds) {
  executes(`webpack, ${build}`, async (t) => {
    const { dir, bin, version } = await project('webpack')
    await run(bin('webpack'), options, { cwd: dir })
    const { url } = await serveStatic(t, dir, headers)
    return `webpack ${await version('webpack')}, ${await checkPage(t, `${url}/${page}`, { check })}`
  })
}
