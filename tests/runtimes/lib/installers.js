// Installers other than npm: how each adds packages, and runs a program that they bring along.
import assert from 'node:assert/strict'
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { path, PROJECTS, WORK } from './places.js'
import { run } from './process.js'
import { copyShared } from './project.js'
import { assertOurs, tarball } from './tarball.js'

// Most refuse a version that was published a moment ago, as all of a test's own registry are: each is told not to.

/** What they download stays, but for Deno's, which keeps it by the address of the registry. */
const KEPT = join(WORK, 'installers-cache')

/** What is asked for: the tarball of this package, or, where it names none, its version. */
const asked = ({ name, version, file }) => file ?? `${name}@${version}`

/**
 * `env`: given the address of a registry, and a folder for what is downloaded unless that may stay. `files`: its configuration. `add`: program and arguments that install packages, each
 * `{ name, version }`, with the `file` of its tarball unless it comes from a registry. `takesFiles: false`: it installs from a
 * registry alone. `runs`: the same for a program of theirs, which gets these words. `check`: what must be there of the client; by
 * default it is below `node_modules`.
 */
export const INSTALLERS = [
  {
    title: 'pnpm, strict',
    from: 'pnpm',
    env: (registry, kept = KEPT) => ({
      pnpm_config_registry: registry,
      pnpm_config_minimum_release_age: '0',
      pnpm_config_store_dir: join(kept, 'pnpm'),
    }),
    files: { 'pnpm-workspace.yaml': 'hoist: false\n' },
    add: (packages) => ['pnpm', 'add', ...packages.map(asked)],
    runs: (words) => ['pnpm', 'exec', ...words],
    async check(dir, { packages }) {
      await assertOurs(dir)
      const names = (await readdir(join(dir, 'node_modules'))).filter((name) => !name.startsWith('.'))
      const named = [...packages.map(({ name }) => name), 'vite']
      assert.deepEqual(names.sort(), named.sort(), 'nothing is there that package.json does not name')
    },
  },
  {
    title: 'Yarn PnP, strict',
    from: '@yarnpkg/cli-dist',
    name: 'Yarn',
    env: (registry, kept = KEPT) => ({
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      YARN_GLOBAL_FOLDER: join(kept, 'yarn'),
      YARN_ENABLE_TELEMETRY: '0',
      YARN_NPM_MINIMAL_AGE_GATE: '0',
      // It takes a lockfile that has to be written for a mistake where CI is set.
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    }),
    files: { '.yarnrc.yml': 'nodeLinker: pnp\npnpMode: strict\n', 'yarn.lock': '' },
    add: (packages) => [
      'yarn',
      'add',
      ...packages.map((one) => (one.file ? `${one.name}@file:${one.file}` : asked(one))),
    ],
    runs: (words) => ['yarn', ...words],
    async check(dir, { env }) {
      const packed = { RUNTIMES_TARBALL: JSON.stringify(await tarball()) }
      await run('yarn', ['node', path('in-yarn.js')], { cwd: dir, env: { ...env, ...packed } })
      assert.ok(!(await readdir(dir)).includes('node_modules'), 'Yarn PnP has made a node_modules folder')
    },
  },
  {
    title: 'Bun, as an installer',
    from: 'bun',
    name: 'Bun',
    env: (registry, kept = KEPT) => ({ npm_config_registry: registry, BUN_INSTALL_CACHE_DIR: join(kept, 'bun') }),
    add: (packages) => ['bun', 'add', ...packages.map(asked)],
    runs: (words) => ['bun', '--bun', 'run', ...words],
  },
  {
    title: 'Deno, as an installer',
    from: 'deno',
    name: 'Deno',
    // Of a tarball in a file it makes a link to that file, as of a folder.
    takesFiles: false,
    env: (registry, kept = KEPT) => ({ NPM_CONFIG_REGISTRY: registry, DENO_DIR: join(kept, 'deno') }),
    add: (packages) => [
      'deno',
      'add',
      '--minimum-dependency-age=0',
      ...packages.map(({ name, version }) => `npm:${name}@${version}`),
    ],
    runs: ([program, ...args]) => ['deno', 'run', '--allow-all', `npm:${PACKAGE_OF[program] ?? program}`, ...args],
  },
]

/** The one that comes with Node, without scripts. */
export const NPM = {
  title: 'npm --ignore-scripts',
  from: 'npm',
  env: (registry) => ({ npm_config_registry: registry }),
  add: (packages) => ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages.map(asked)],
  runs: (words) => ['npx', '--no', '--', ...words],
}

/** Deno finds a program by its package. */
const PACKAGE_OF = { durablefetch: 'durablefetch-recorder/durablefetch' }

/** Vite's project with nothing installed, in a folder that finds nothing in those above it. `files`: more of them, by name. */
export async function fresh(name, files) {
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
