import { checkJs, checkMixed, checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { REFUSED } from './lib/policy.js'
import { project } from './lib/project.js'
import { checkPage, checkProcess } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

const slim = (report, world) => checkReport(report, world, { atImport: 1 })
const builds = [
  // esbuild's own default: a classic script.
  { build: 'no options', entry: 'main.js', page: '', options: ['--outdir=dist'], check: checkReport },
  {
    build: 'ES module, minified',
    entry: 'main.js',
    page: '',
    options: ['--format=esm', '--minify', '--outdir=dist'],
    check: checkReport,
  },
  {
    build: 'slim',
    entry: 'slim.js',
    page: 'slim.html',
    options: ['--format=esm', '--loader:.wasm=file', '--public-path=dist', '--outdir=dist'],
    check: slim,
  },
  {
    build: 'both entries',
    entry: 'mixed.js',
    page: 'mixed.html',
    options: ['--format=esm', '--minify', '--loader:.wasm=file', '--public-path=dist', '--outdir=dist'],
    check: checkMixed,
  },
  {
    build: 'durablefetch/js',
    entry: 'js.js',
    page: 'js.html',
    options: ['--format=esm', '--minify', '--outdir=dist'],
    check: checkJs,
    headers: REFUSED,
  },
]

for (const { build, entry, page, options, check, headers } of builds) {
  executes(`esbuild, ${build}`, async (t) => {
    const { dir, bin, version } = await project('esbuild')
    await run(bin('esbuild'), [entry, '--bundle', ...options], { cwd: dir })
    const { url } = await serveStatic(t, dir, headers)
    return `esbuild ${await version('esbuild')}, ${await checkPage(t, `${url}/${page}`, { check })}`
  })
}

executes('esbuild, a CommonJS file for Node', async (t) => {
  const { dir, bin, version } = await project('esbuild')
  await run(bin('esbuild'), ['process.js', '--bundle', '--platform=node', '--outfile=dist/process.cjs'], { cwd: dir })
  await checkProcess(t, process.execPath, ['dist/process.cjs'], { cwd: dir })
  return `esbuild ${await version('esbuild')}, Node ${process.versions.node}`
})
