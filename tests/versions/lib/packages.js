// The packed client of either version, installed in a project outside the repository.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { named } from './named.js'

const run = promisify(execFile)

export const installOurs = (t) => install(t, fileURLToPath(new URL('../../../pkg', import.meta.url)))
export const installPrevious = (t) => install(t, named('PREVIOUS_PKG'))

async function install(t, pkg) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-versions-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const { stdout } = await run('npm', ['pack', pkg, '--json', '--pack-destination', dir])
  const [{ filename }] = Object.values(JSON.parse(stdout))
  await writeFile(join(dir, 'package.json'), '{ "private": true, "type": "module" }')
  // In the project, so that the name is resolved as a user's program would.
  await writeFile(join(dir, 'entry.js'), "export * from 'durablefetch'\n")
  await run('npm', ['install', '--no-audit', '--no-fund', `./${filename}`], { cwd: dir })
  const { version } = JSON.parse(await readFile(join(dir, 'node_modules/durablefetch/package.json'), 'utf8'))
  return {
    version,
    /** For bundlers: where `durablefetch` is to be found. */
    nodeModules: join(dir, 'node_modules'),
    /** For Node: what the package exports. */
    load: () => import(pathToFileURL(join(dir, 'entry.js')).href),
  }
}
