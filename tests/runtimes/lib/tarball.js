// The package under test, packed once: what `npm publish` would send.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './process.js'
import { path, WORK } from './places.js'

export const PKG = process.env.PKG ?? path('../../../pkg')
let packed
let launcher

/** `{ name, file, version, files, digest }` of the tarball. Packed at the first call in this process. */
export function tarball() {
  packed ??= pack()
  return packed
}

async function pack() {
  // run.js packs for all the test files and says where.
  if (process.env.RUNTIMES_TARBALL) return JSON.parse(process.env.RUNTIMES_TARBALL)
  const { file, name, version, files } = await npmPack(PKG)
  assert.equal(name, 'durablefetch')
  return {
    name,
    file,
    version,
    files: files.map((one) => one.path),
    digest: await digest(
      PKG,
      files.map((one) => one.path),
    ),
  }
}

/** The recorder's package without a program, for tests that name the one under test. Packed at the first call in this process. */
export function launcherTarball() {
  launcher ??= npmPack(path('../../../pkg-recorder-template'))
  return launcher
}

/** Packs a package's folder: what npm says of it, and the tarball's `file`. */
export async function npmPack(source) {
  const folder = join(WORK, 'tarball')
  await mkdir(folder, { recursive: true })
  const { stdout } = await run('npm', ['pack', source, '--json', '--pack-destination', folder], { cwd: folder })
  const [packed] = Object.values(JSON.parse(stdout))
  return { ...packed, file: join(folder, packed.filename) }
}

/**
 * Fails unless the `durablefetch` installed in this project is the package under test: the name on npm belongs to
 * another one. Version and every byte of every file are compared.
 */
export const assertOurs = (project) => assertOursIn(join(project, 'node_modules/durablefetch'))

/** The same for the folder that it is installed in. */
export async function assertOursIn(installed) {
  const { version, files, digest: expected } = await tarball()
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const cargo = await readFile(path('../../../Cargo.toml'), 'utf8')
  assert.equal(manifest.version, /^version = "(.+)"$/m.exec(cargo)[1], 'the installed version is that of Cargo.toml')
  assert.equal(manifest.version, version)
  assert.equal(await digest(installed, files), expected, 'the installed files are those of the tarball')
}

async function digest(folder, files) {
  const hash = createHash('sha256')
  for (const file of files.toSorted()) hash.update(`${file}\0`).update(await readFile(join(folder, file)))
  return hash.digest('hex')
}
