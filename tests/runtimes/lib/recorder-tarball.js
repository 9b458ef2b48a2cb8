// The recorder's package with its program inside, as `cargo xtask package --recorder` packs it for this machine.
import { access, readFile } from 'node:fs/promises'
import { path } from './places.js'

export const PKG_RECORDER = process.env.PKG_RECORDER ?? path('../../../pkg-recorder')
/** This machine's, as the names of packages have it. */
export const PLATFORM = `${process.platform}-${process.arch}`

/** For an environment in which the package finds its program itself, whatever that of these tests names. */
export const UNNAMED = { DURABLEFETCH_BINARY: undefined, DURABLEFETCH_URL: undefined }

/** `{ name, version, bin, file }`. */
export async function recorderTarball() {
  const { name, version, bin } = await manifestOf('durablefetch-recorder')
  const file = `${PKG_RECORDER}/${name}-${version}-${PLATFORM}.tgz`
  await access(file)
  return { name, version, bin, file }
}

/** Of one of the packages that would be published. */
export async function manifestOf(name) {
  const file = `${PKG_RECORDER}/${name}/package.json`
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`no ${file}: \`cargo xtask package --recorder\` makes it`, { cause: error })
  }
}

/** What the program says of itself: a release build tells its commit and a date. @param {string} version */
export const versionLine = (version) =>
  new RegExp(`^durablefetch ${version.replaceAll('.', '\\.')}( \\([0-9a-f]+ [\\d-]+\\))?\n$`)
