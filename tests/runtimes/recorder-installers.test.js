// The recorder's tarball, its program inside, as each installer leaves it: it runs, without a script at its installation, and
// starts a development server beside it whose page is reloaded in the middle of an answer.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { fresh, INSTALLERS, NPM } from './lib/installers.js'
import { path } from './lib/places.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { recorderTarball, UNNAMED, versionLine } from './lib/recorder-tarball.js'
import { npmRegistry, startRegistry } from './lib/registry.js'
import { checkReload } from './lib/reload.js'
import { assertOurs, tarball } from './lib/tarball.js'
import { freePort } from '../lib/listen.js'

for (const installer of [NPM, ...INSTALLERS]) {
  const { title, from, name = from, takesFiles = true, add, runs, check = assertOurs } = installer
  executes(`${title}, the recorder: reloaded in the middle`, async (t) => {
    const packages = [await tarball(), await recorderTarball()]
    const installers = await project('installers')
    const registry = await (takesFiles ? npmRegistry() : startRegistry(t, packages))
    const env = { ...installers.env, ...UNNAMED, ...installer.env(registry) }
    const plugin = await readFile(path('../plugins/vite/vite.config.js'), 'utf8')
    const dir = await fresh(`recorder-${from}`, { ...installer.files, 'reload/vite.config.js': plugin })
    const does = ([program, ...args]) => run(program, args, { cwd: dir, env })
    await does(add(packages))
    await check(dir, { env, packages })
    const { stdout } = await does(runs(['durablefetch', '--version']))
    assert.match(stdout, versionLine(packages[1].version))

    const port = String(await freePort())
    const command = runs(['vite', 'reload', '--host', '127.0.0.1', '--port', port])
    const [program, ...args] = runs(['durablefetch', 'dev', '--', ...command])
    const ready = new RegExp(`(http://\\S+:${port})`)
    const { output } = await serve(t, program, args, { cwd: dir, env, ready })
    assert.match(output(), /durablefetch: the recorder listens on http:/)
    const engines = await checkReload(t, `http://127.0.0.1:${port}/`, { server: false, recorder: false })
    const { devDependencies } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
    return `${name} ${await versionOf(installers, from)}, Vite ${devDependencies.vite}, ${engines}`
  })
}

/** npm is the one beside the Node that runs the tests. */
async function versionOf(installers, from) {
  if (from !== 'npm') return installers.version(from)
  return (await run('npm', ['--version'], {})).stdout.trim()
}
