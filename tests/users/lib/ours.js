// The packed package, installed in a project outside the repository; and the proof that it is ours.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freshProject } from '../../lib/project.js'

/** Removed after the test. */
export async function installOurs(t) {
  const { dir, manifest, files } = await freshProject(t, fileURLToPath(new URL('./ours', import.meta.url)))
  assert.equal(manifest.name, 'durablefetch')
  // npm has an older package of this name: without WebAssembly, and without `stop`.
  assert.ok(
    files.some((file) => file.endsWith('.wasm')),
    `the package under test is not ours: ${files}`,
  )
  const load = async () => {
    const ours = await import(pathToFileURL(join(dir, 'entry.js')).href)
    assert.equal(typeof new ours.DurableFetchClient().stop, 'function', 'the client under test is not ours')
    return ours
  }
  return {
    version: manifest.version,
    /** For bundlers: where `durablefetch` is to be found. */
    nodeModules: join(dir, 'node_modules'),
    /** For Node: what the package exports. */
    load,
  }
}
