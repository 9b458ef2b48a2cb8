// The page's own server: the page, its script, and one file next to it.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { serveFiles } from '../../lib/files.js'

const ENTRY = fileURLToPath(new URL('../page/main.js', import.meta.url))
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>fidelity</title><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>'

export async function startSite({ nodeModules }) {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    write: false,
    nodePaths: [nodeModules],
    logLevel: 'error',
  })
  const files = {
    '/': ['text/html', PAGE],
    '/main.js': ['text/javascript', outputFiles[0].contents],
    '/page.txt': ['text/plain', 'of the page'],
  }
  return serveFiles(files)
}
