// Programs that run an app's tests, each with one that does what all runtimes do.
import { executes } from './lib/executes.js'
import { inEngines } from './lib/page.js'
import { path } from './lib/places.js'
import { project } from './lib/project.js'
import { checkProcess } from './lib/report.js'

for (const environment of ['node', 'jsdom']) {
  executes(`Vitest, environment ${environment}`, async (t) => {
    const { dir, env, version } = await project('vitest')
    await checkProcess(t, 'vitest', ['run', '--environment', environment], { cwd: dir, env })
    return `Vitest ${await version('vitest')}, Node ${await version('node')}`
  })
}

executes('Jest, ES modules', async (t) => {
  const { dir, env, version } = await project('jest')
  await checkProcess(t, 'jest', [], { cwd: dir, env: { ...env, NODE_OPTIONS: '--experimental-vm-modules' } })
  return `Jest ${await version('jest')}, Node ${process.versions.node}`
})

executes('Vitest, browser mode', async (t) => {
  const { dir, env, version } = await project('vitest')
  const browsers = path('../../lib/engines.js')
  const engines = await inEngines(async (engine) => {
    const given = { ...env, BROWSER: engine, BROWSERS: browsers }
    return /^tests in (.+)$/m.exec(await checkProcess(t, 'vitest', ['run'], { cwd: dir, env: given }))[1]
  })
  return `Vitest ${await version('vitest')}, Node ${await version('node')}, ${engines}`
})
