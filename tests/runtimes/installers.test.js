// The tarball as others than npm install it, into Vite's project: built by what each has installed, and its page reloaded in
// the middle of an answer.
import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { path, PROJECTS, WORK } from './lib/places.js'
import { run } from './lib/process.js'
import { copyShared, project } from './lib/project.js'
import { npmRegistry, startRegistry } from './lib/registry.js'
import { checkReload } from './lib/reload.js'
import { assertOurs, tarball } from './lib/tarball.js'
import { serveStatic } from '../lib/static.js'

const BUILD = ['vite', 'build', 'reload']
/** What they download stays, but for Deno's, which keeps it by the address of the registry. */
const KEPT = join(WORK, 'installers-cache')

/**
 * `env`: given the address of a registry. `files`: its configuration. `add`, `build`: program and arguments; `add` is told the
 * tarball and its version. `registry`: whether it has to be given the package by one. `check`: what it must have made of the
 * project's folder; by default the package is below `node_modules`.
 */
const INSTALLERS = [
  {
    title: 'pnpm, strict',
    from: 'pnpm',
    env: (registry) => ({ npm_config_registry: registry }),
    files: { 'pnpm-workspace.yaml': `hoist: false\nstoreDir: ${join(KEPT, 'pnpm')}\n` },
    add: ({ file }) => ['pnpm', 'add', file],
    build: ['pnpm', 'exec', ...BUILD],
    async check(dir) {
      await assertOurs(dir)
      const names = (await readdir(join(dir, 'node_modules'))).filter((name) => !name.startsWith('.'))
      assert.deepEqual(names.sort(), ['durablefetch', 'vite'], 'nothing is there that package.json does not name')
    },
  },
  {
    title: 'Yarn PnP, strict',
    from: '@yarnpkg/cli-dist',
    name: 'Yarn',
    env: (registry) => ({
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_GLOBAL_FOLDER: join(KEPT, 'yarn'),
      YARN_ENABLE_TELEMETRY: '0',
      // It takes a lockfile that has to be written for a mistake where CI is set.
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    }),
    files: { '.yarnrc.yml': 'nodeLinker: pnp\npnpMode: strict\n', 'yarn.lock': '' },
    add: ({ file }) => ['yarn', 'add', `durablefetch@file:${file}`],
    build: ['yarn', ...BUILD],
    async check(dir, { env }) {
      const packed = { RUNTIMES_TARBALL: JSON.stringify(await tarball()) }
      await run('yarn', ['node', path('in-yarn.js')], { cwd: dir, env: { ...env, ...packed } })
      assert.ok(!(await readdir(dir)).includes('node_modules'), 'there is no node_modules')
    },
  },
  {
    title: 'Bun, as an installer',
    from: 'bun',
    name: 'Bun',
    env: (registry) => ({ npm_config_registry: registry, BUN_INSTALL_CACHE_DIR: join(KEPT, 'bun') }),
    add: ({ file }) => ['bun', 'add', file],
    build: ['bun', '--bun', 'run', ...BUILD],
  },
  {
    title: 'Deno, as an installer',
    from: 'deno',
    name: 'Deno',
    // Of a tarball in a file it makes a link to that file, as of a folder.
    registry: true,
    env: (registry) => ({ NPM_CONFIG_REGISTRY: registry, DENO_DIR: join(KEPT, 'deno') }),
    add: ({ version }) => ['deno', 'add', `npm:durablefetch@${version}`],
    build: ['deno', 'run', '--allow-all', 'npm:vite', ...BUILD.slice(1)],
  },
]

for (const {
  title,
  from,
  name = from,
  registry,
  env: envOf,
  files = {},
  add,
  build,
  check = assertOurs,
} of INSTALLERS) {
  executes(`${title}: reloaded in the middle`, async (t) => {
    const installers = await project('installers')
    const env = { ...installers.env, ...envOf(await (registry ? startRegistry(t) : npmRegistry())) }
    const dir = await fresh(from, files)
    const does = ([program, ...args]) => run(program, args, { cwd: dir, env })
    await does(add(await tarball()))
    await check(dir, { env })
    await does(build)
    const { url } = await serveStatic(t, join(dir, 'reload/dist'))
    const engines = await checkReload(t, `${url}/`, { server: false })
    const { devDependencies } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
    return `${name} ${await installers.version(from)}, Vite ${devDependencies.vite}, ${engines}`
  })
}

/** Vite's project with nothing installed, in a folder that finds nothing in those above it. */
async function fresh(name, files) {
  const dir = join(WORK, 'installed-by', name)
  await rm(dir, { recursive: true, force: true })
  await rm(join(KEPT, 'deno'), { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  for (const one of ['package.json', 'reload'])
    await cp(join(PROJECTS, 'vite', one), join(dir, one), { recursive: true })
  await copyShared(dir)
  for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), text)
  return dir
}
