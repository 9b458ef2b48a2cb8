import assert from 'node:assert/strict'
import { join } from 'node:path'
import { checkMixed } from './lib/check.js'
import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { checkProcess } from './lib/report.js'

// `requires`: whether require() of an ES module works without a flag there (Node 20.19, 22.12 and later).
const NODES = [
  { name: 'the one that runs the tests', program: () => process.execPath, requires: true },
  { name: 'the oldest supported', program: installed('node-oldest'), requires: false },
  {
    name: 'the last 20.x without require() of ES modules',
    program: installed('node-before-require-esm'),
    requires: false,
  },
  { name: 'the newest', program: installed('node-newest'), requires: true },
]

function installed(folder) {
  return (dir) => join(dir, 'node_modules', folder, 'bin/node')
}

for (const { name, program, requires } of NODES) {
  const versionOf = async (node, cwd) => `Node ${(await run(node, ['--version'], { cwd })).stdout.trim().slice(1)}`

  executes(`Node, ${name}: import`, async (t) => {
    const { dir } = await project('node')
    const node = program(dir)
    await checkProcess(t, node, ['esm.js'], { cwd: dir })
    await checkProcess(t, node, ['import.cjs'], { cwd: dir })
    return versionOf(node, dir)
  })

  executes(`Node, ${name}: require() ${requires ? 'works' : 'says to use import()'}`, async (t) => {
    const { dir } = await project('node')
    const node = program(dir)
    if (requires) {
      await checkProcess(t, node, ['require.cjs'], { cwd: dir })
      const output = await checkProcess(t, node, ['mixed.js'], { cwd: dir, check: checkMixed })
      assert.doesNotMatch(output, /Warning/)
    } else {
      const { stdout } = await run(node, ['require.cjs'], { cwd: dir, env: { PLACES: '{}' } })
      assert.match(JSON.parse(stdout).error, /ERR_REQUIRE_ESM|require\(\) of ES Module/)
      assert.match(JSON.parse(stdout).error, /dynamic import\(\)/)
    }
    return versionOf(node, dir)
  })
}
