// The page, and the clients as an app ships them: built by Vite for production, each in one file.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../../examples/chat/node_modules/vite/dist/node/index.js'
import { serveFiles } from '../lib/files.js'

const PAGE = '<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">'
const at = (path) => fileURLToPath(new URL(path, import.meta.url))
/** The client's entry. */
export const PACKAGE = at('../../pkg/index.js')
const RIVAL = at('../../crates/bench/peers/node_modules/@durable-streams/client/dist/index.js')

export async function startSite() {
  const script = await bundled(`export { DurableFetchClient } from ${JSON.stringify(PACKAGE)}`)
  const files = {
    '/': ['text/html', PAGE],
    '/df.js': ['text/javascript', script],
    // What loading alone takes: as many bytes, a string as most of them are.
    '/blank.js': ['text/javascript', `export const text = "${'x'.repeat(script.length)}"`],
    '/rival.js': ['text/javascript', await bundled(`export { stream } from ${JSON.stringify(RIVAL)}`)],
    '/page.js': ['text/javascript', await readFile(new URL('./page.js', import.meta.url))],
  }
  return serveFiles(files)
}

/** As an app ships it, in one file. */
export async function bundled(source) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-bench-'))
  try {
    await writeFile(join(dir, 'entry.js'), source)
    const lib = { entry: join(dir, 'entry.js'), formats: ['es'], fileName: () => 'df.js' }
    await build({
      root: dir,
      logLevel: 'warn',
      configFile: false,
      build: { lib, outDir: join(dir, 'dist'), minify: true },
    })
    return await readFile(join(dir, 'dist/df.js'))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
