import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { freshProject } from './lib/project.js'

/** Code that runs a string, or WebAssembly. Comments may speak of both. */
const REFUSED = /\beval\b|\bnew Function\b|\bFunction\(|\bWebAssembly\b/

test('the tarball is ours, of the version in Cargo.toml, and complete', async (t) => {
  const { manifest, files } = await freshProject(t, 'node')
  const cargo = await readFile(new URL('../../Cargo.toml', import.meta.url), 'utf8')
  assert.equal(manifest.name, 'durablefetch')
  assert.equal(manifest.version, /^version = "(.+)"$/m.exec(cargo)[1])
  // The package of this name on npm has a version 0.1.0 and no WebAssembly: this one cannot be mistaken for it.
  assert.ok(
    files.some((file) => file.endsWith('.wasm')),
    `no wasm module in ${files}`,
  )
  const whole = ['package.json', 'index.d.ts', 'LICENSE-MIT', 'LICENSE-APACHE', 'README.md']
  const translated = ['js.js', 'js.d.ts', 'translated/durablefetch.js', 'translated/module.js']
  for (const file of [...whole, ...translated]) assert.ok(files.includes(file), `${file} is missing in ${files}`)
})

test('nothing that durablefetch/js imports needs WebAssembly, or runs a string', async (t) => {
  const { dir } = await freshProject(t, 'node')
  const folder = join(dir, 'node_modules/durablefetch')
  const seen = new Set()
  const follow = async (path) => {
    if (seen.has(path)) return
    seen.add(path)
    const code = (await readFile(path, 'utf8')).replace(/^\s*(\/\/|\/?\*).*$/gm, '')
    const imported = [...code.matchAll(/^(?:import|export)\b[^'"]*['"](\.[^'"]+)['"]/gm)]
    for (const [, file] of imported) await follow(join(dirname(path), file))
    const found = code.split('\n').filter((line) => REFUSED.test(line))
    assert.deepEqual(found, [], path)
  }
  await follow(join(folder, 'js.js'))
  assert.ok(seen.has(join(folder, 'translated/module.js')), `${[...seen]}`)
  assert.ok(!seen.has(join(folder, 'compile.js')), `${[...seen]}`)
})
