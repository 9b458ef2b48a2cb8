// A fresh project outside the repository with the packed package in it: what a user has after `npm i`.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PKG = fileURLToPath(new URL('../../pkg', import.meta.url))

/** Packs `pkg/`, copies the folder and installs the tarball into the copy. Removed after the test. */
export async function freshProject(t, folder) {
  const name = basename(folder)
  const dir = await mkdtemp(join(tmpdir(), `durablefetch-${name}-`))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const { stdout } = await run('npm', ['pack', PKG, '--json', '--pack-destination', dir])
  const [packed] = Object.values(JSON.parse(stdout))
  await cp(folder, dir, { recursive: true })
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', `./${packed.filename}`], { cwd: dir })
  const manifest = JSON.parse(await readFile(join(dir, 'node_modules/durablefetch/package.json'), 'utf8'))
  return { dir, files: packed.files.map((file) => file.path), manifest }
}

/** Runs a program of Node's in the project; fails with all of its output. */
export async function node(dir, args, env = {}) {
  try {
    return await run(process.execPath, args, { cwd: dir, env: { ...process.env, ...env } })
  } catch (error) {
    throw new Error(`node ${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`)
  }
}
