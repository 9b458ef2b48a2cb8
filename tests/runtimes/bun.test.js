import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { checkPage, checkProcess } from './lib/report.js'
import { serveStatic } from '../lib/static.js'

executes('Bun', async (t) => {
  const { dir, bin, version } = await project('bun')
  await checkProcess(t, bin('bun'), ['run', 'main.js'], { cwd: dir })
  return `Bun ${await version('bun')}`
})

executes('Bun, as a bundler for the browser', async (t) => {
  const { dir, bin, version } = await project('bun')
  await run(bin('bun'), ['build', 'page.js', '--outdir', 'dist', '--minify'], { cwd: dir })
  const { url } = await serveStatic(t, dir)
  return `Bun ${await version('bun')}, ${await checkPage(t, `${url}/`)}`
})
