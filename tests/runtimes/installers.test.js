// The tarball as others than npm install it, into Vite's project: built by what each has installed, and its page reloaded in
// the middle of an answer.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { fresh, INSTALLERS } from './lib/installers.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { npmRegistry, startRegistry } from './lib/registry.js'
import { checkReload } from './lib/reload.js'
import { assertOurs, tarball } from './lib/tarball.js'
import { serveStatic } from '../lib/static.js'

for (const installer of INSTALLERS) {
  const { title, from, name = from, takesFiles = true, files = {}, add, runs, check = assertOurs } = installer
  executes(`${title}: reloaded in the middle`, async (t) => {
    const packages = [await tarball()]
    const installers = await project('installers')
    const registry = await (takesFiles ? npmRegistry() : startRegistry(t, packages))
    const env = { ...installers.env, ...installer.env(registry) }
    const dir = await fresh(from, files)
    const does = ([program, ...args]) => run(program, args, { cwd: dir, env })
    await does(add(packages))
    await check(dir, { env, packages })
    await does(runs(['vite', 'build', 'reload']))
    const { url } = await serveStatic(t, join(dir, 'reload/dist'))
    const engines = await checkReload(t, `${url}/`, { server: false })
    const { devDependencies } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
    return `${name} ${await installers.version(from)}, Vite ${devDependencies.vite}, ${engines}`
  })
}
