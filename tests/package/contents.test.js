import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { freshProject } from './lib/project.js'

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
  for (const file of ['package.json', 'index.d.ts', 'LICENSE-MIT', 'LICENSE-APACHE', 'README.md']) {
    assert.ok(files.includes(file), `${file} is missing in ${files}`)
  }
})
