import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { tarball } from './lib/tarball.js'

executes('publint', async () => {
  const { dir, bin, version } = await project('lint')
  const { file } = await tarball()
  await run(bin('publint'), [file, '--strict'], { cwd: dir })
  return `publint ${await version('publint')}`
})

// An ES module only: require() of it is the reader's Node to allow (see node.test.js). `durablefetch/wasm` is the raw
// module, neither code nor types: each bundler has its own suffix and its own type for the address of a file.
const SCOPE = ['--profile', 'esm-only', '--exclude-entrypoints', './wasm']

executes('are the types wrong?', async () => {
  const { dir, bin, version } = await project('lint')
  const { file } = await tarball()
  await run(bin('attw'), [file, ...SCOPE, '--no-emoji'], { cwd: dir })
  return `attw ${await version('@arethetypeswrong/cli')}`
})
