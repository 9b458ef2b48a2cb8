import { executes } from './lib/executes.js'
import { project } from './lib/project.js'
import { checkProcess } from './lib/report.js'

executes('Deno', async (t) => {
  const { dir, bin, version } = await project('deno')
  const rights = ['--allow-net=127.0.0.1,localhost', '--allow-env=PLACES']
  await checkProcess(t, bin('deno'), ['run', '--no-prompt', ...rights, 'main.js'], { cwd: dir })
  return `Deno ${await version('deno')}`
})
