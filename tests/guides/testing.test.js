// docs/testing.md: its test under Vitest and Jest, in each environment and with each configuration that it shows.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, after, test } from 'node:test'
import { BINARY } from '../lib/recorder.js'
import { run } from '../runtimes/lib/process.js'
import { assertOurs, launcherTarball, tarball } from '../runtimes/lib/tarball.js'
import { blocksOf } from '../lib/blocks.js'

const page = blocksOf('docs/testing.md')
const PASSED = /1 passed/
let dir

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'durablefetch-testing-'))
  await writeFile(join(dir, 'package.json'), '{"private":true}')
  const { file } = await tarball()
  const runners = ['vitest', 'jsdom', 'happy-dom', 'jest', '@jest/globals', 'jest-environment-jsdom']
  const packages = [file, (await launcherTarball()).file, ...runners, 'jest-fixed-jsdom', '@babel/preset-env']
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: dir,
    timeout: 600_000,
  })
  await assertOurs(dir)
})
after(() => rm(dir, { recursive: true, force: true }))

/** Runs one of the runners over the page's test. `files`: more of them, by name. */
async function runs(runner, args, { files, type = 'commonjs', test = page.file('answer.test.js'), env = {} }) {
  const all = {
    'package.json': JSON.stringify({ private: true, type }),
    'answer.test.js': test,
    ...files,
  }
  for (const [name, text] of Object.entries(all)) await writeFile(join(dir, name), text)
  try {
    const { stdout, stderr } = await run(join(dir, 'node_modules/.bin', runner), args, {
      cwd: dir,
      env: { DURABLEFETCH_BINARY: BINARY, ...env },
    })
    return stdout + stderr
  } finally {
    for (const name of Object.keys(files)) await rm(join(dir, name))
  }
}

for (const environment of ['node', 'jsdom', 'happy-dom']) {
  test(`Vitest, environment ${environment}`, async () => {
    const output = await runs('vitest', ['run', '--environment', environment], { files: {}, type: 'module' })
    assert.match(output, PASSED)
  })
}

const inJest = page.file('answer.test.js').replace("from 'vitest'", "from '@jest/globals'")
const BABEL = {
  'babel.config.cjs': 'module.exports = { presets: [["@babel/preset-env", { targets: { node: "current" } }]] }',
}
const transformed = { ...BABEL, 'jest.config.cjs': page.file('jest.config.cjs') }
const modules = { 'jest.config.js': page.file('jest.config.js') }
const [assigned] = page.command('NODE_OPTIONS=')
const env = { NODE_OPTIONS: assigned.slice('NODE_OPTIONS='.length) }

test('Jest, which transforms the package', async () => {
  assert.match(await runs('jest', [], { files: transformed, test: inJest }), PASSED)
})

test('Jest, which runs ES modules', async () => {
  assert.match(await runs('jest', [], { files: modules, type: 'module', test: inJest, env }), PASSED)
})

for (const [how, options] of [
  ['transforms the package', { files: transformed, test: inJest }],
  ['runs ES modules', { files: modules, type: 'module', test: inJest, env }],
]) {
  test(`Jest with a DOM, which ${how}`, async () => {
    assert.match(await runs('jest', ['--env=jest-fixed-jsdom'], options), PASSED)
  })
}

test('what the page says of Jest without configuration, and of plain jsdom, is what they say', async () => {
  const [, unconfigured, bare] = /"(Must use import [^"]+)".*"(TextDecoder [^"]+)"/s.exec(
    page.text.replaceAll(/\s+/g, ' '),
  )
  await assert.rejects(runs('jest', [], { files: BABEL, test: inJest }), new RegExp(unconfigured))
  await assert.rejects(runs('jest', ['--env=jsdom'], { files: transformed, test: inJest }), new RegExp(bare))
})
