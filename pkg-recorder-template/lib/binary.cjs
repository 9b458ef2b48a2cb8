// @ts-check
// Which program runs: the one of this platform's package, or the one that DURABLEFETCH_BINARY names.
const { accessSync, chmodSync, constants, existsSync, readdirSync } = require('node:fs')
const { join } = require('node:path')

/** Node's names of the systems and processors that a package is made for: those of `cargo xtask package --recorder`. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64']

/** What is the user's to mend: said in one line, without a stack. */
class SetupError extends Error {
  name = 'SetupError'
}

/** The path of the recorder. @returns {string} */
function binary() {
  const named = process.env.DURABLEFETCH_BINARY
  return named ? executable(named) : packaged(`${process.platform}-${process.arch}`)
}

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch (error) {
    const why = /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT' ? 'does not exist' : 'may not be run'
    throw new SetupError(`DURABLEFETCH_BINARY names ${path}, which ${why}: name a recorder, or unset the variable`)
  }
}

/** @param {string} platform */
function packaged(platform) {
  if (!PLATFORMS.includes(platform)) {
    throw new SetupError(
      `this package has no recorder for ${platform}, only for ${PLATFORMS.join(', ')}: build one from source and name its path in DURABLEFETCH_BINARY`,
    )
  }
  const file = process.platform === 'win32' ? 'durablefetch.exe' : 'durablefetch'
  const path = ofTarball(platform, file) ?? ofPackage(platform, file)
  try {
    accessSync(path, constants.X_OK)
  } catch {
    makeExecutable(path)
  }
  return path
}

/** Not every installer keeps what may be run as it was packed. @param {string} path */
function makeExecutable(path) {
  try {
    chmodSync(path, 0o755)
  } catch {
    // It is somebody else's, or not there. What starts it says so, and what to do.
  }
}

/** A tarball for one platform brings its recorder along. @param {string} platform @param {string} file */
function ofTarball(platform, file) {
  const folder = join(__dirname, '../platform')
  if (!existsSync(folder)) return undefined
  const [made] = readdirSync(folder)
  if (made === platform) return join(folder, platform, file)
  throw new SetupError(
    `this is the recorder for ${made}, and this machine is ${platform}: install the tarball whose name ends in ${platform}.tgz`,
  )
}

/** @param {string} platform @param {string} file */
function ofPackage(platform, file) {
  const name = `durablefetch-recorder-${platform}`
  try {
    return require.resolve(`${name}/bin/${file}`)
  } catch {
    throw new SetupError(
      `the package ${name} is missing, which has the recorder for this machine: install again without --omit=optional or --no-optional, and on this system rather than copying node_modules from another one`,
    )
  }
}

module.exports = { SetupError, binary }
