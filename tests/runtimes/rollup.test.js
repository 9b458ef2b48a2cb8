import { checkJs, checkReport } from './lib/check.js'
import { executes } from './lib/executes.js'
import { REFUSED } from './lib/policy.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

const builds = [
  { build: 'Rollup', entry: 'main.js', page: '', check: checkReport },
  { build: 'Rollup, durablefetch/js', entry: 'js.js', page: 'js.html', check: checkJs, headers: REFUSED },
]

// Rollup alone follows no package names: node-resolve is the one plugin that everybody has.
for (const { build, entry, page, check, headers } of builds) {
  executes(build, async (t) => {
    const { dir, bin, version } = await project('rollup')
    await run(
      bin('rollup'),
      [entry, '--dir', 'dist', '--format', 'es', '--plugin', 'node-resolve', '--failAfterWarnings'],
      { cwd: dir },
    )
    const { url } = await serveStatic(t, dir, headers)
    return `Rollup ${await version('rollup')}, ${await checkPage(t, `${url}/${page}`, { check })}`
  })
}
