// A project's copy in the work folder: its own packages from its lockfile, and our tarball.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { path, PROJECTS, WORK } from './places.js'
import { run } from './process.js'
import { assertOurs, tarball } from './tarball.js'

/** Project → what npm wrote into package.json and the lockfile, for those that this process has installed. */
const installed = new Map()

/**
 * Makes the project anew, keeping only its installed packages, and installs the tarball into it. `like`: another one whose
 * files it has, with packages of its own.
 * Returns its folder, a function that gives the version of an installed package, one that gives the path of its programs, and
 * the environment in which they are found by name, as is the project's own Node, if it has one (npm's package `node`).
 */
export async function project(name, { like } = {}) {
  const dir = join(WORK, name)
  await mkdir(dir, { recursive: true })
  for (const entry of await readdir(dir)) {
    if (entry !== 'node_modules') await rm(join(dir, entry), { recursive: true, force: true })
  }
  for (const source of [like, name].filter(Boolean).map((folder) => join(PROJECTS, folder))) {
    const own = (file) => !file.startsWith(join(source, 'node_modules'))
    await cp(source, dir, { recursive: true, filter: own })
  }
  await copyShared(dir)
  await install(dir, name)
  return {
    dir,
    env: { PATH: [join(dir, 'node_modules/.bin'), process.env.PATH].join(delimiter) },
    bin: (program) => join(dir, 'node_modules/.bin', program),
    version: async (of) => JSON.parse(await readFile(join(dir, 'node_modules', of, 'package.json'), 'utf8')).version,
  }
}

/** What every project does. */
export async function copyShared(dir) {
  for (const shared of ['behaviour.mjs', 'reload.mjs']) await cp(path(shared), join(dir, shared))
}

/**
 * As a user does it: the tarball becomes a dependency of the copy's package.json, and whatever the lockfile names is
 * installed in that version. (Not `npm ci`: it refuses a lockfile without the binaries of other platforms, and not
 * every registry has them all.)
 */
async function install(dir, name) {
  const { file } = await tarball()
  const manifests = ['package.json', 'package-lock.json'].map((manifest) => join(dir, manifest))
  if (!installed.has(name)) {
    // npm takes a tarball of the same name and version for the same package: the last one must be gone. Caches of
    // bundlers (`.vite`, `.cache`) may hold it, too.
    for (const stale of ['durablefetch', '.vite', '.cache', '.package-lock.json']) {
      await rm(join(dir, 'node_modules', stale), { recursive: true, force: true })
    }
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', file], { cwd: dir })
    installed.set(name, await Promise.all(manifests.map((manifest) => readFile(manifest))))
  }
  // Once per process is enough; the next test of the same project only gets the manifests back that npm made.
  const written = installed.get(name)
  await Promise.all(manifests.map((manifest, at) => writeFile(manifest, written[at])))
  await assertOurs(dir)
}
