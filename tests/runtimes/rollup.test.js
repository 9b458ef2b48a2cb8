import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

// Rollup alone follows no package names: node-resolve is the one plugin that everybody has.
executes('Rollup', async (t) => {
  const { dir, bin, version } = await project('rollup')
  await run(
    bin('rollup'),
    ['main.js', '--dir', 'dist', '--format', 'es', '--plugin', 'node-resolve', '--failAfterWarnings'],
    { cwd: dir },
  )
  const { url } = await serveStatic(t, dir)
  return `Rollup ${await version('rollup')}, ${await checkPage(t, `${url}/`)}`
})
