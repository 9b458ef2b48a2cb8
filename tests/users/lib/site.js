// Pages under test, bundled by esbuild and served from memory.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { listen } from '../../lib/listen.js'
import { WATCHING } from '../../lib/watch.js'

const html = (script) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${script}</title><link rel="icon" href="data:,"></head>
<body>${WATCHING.map((one) => `<script>${one}</script>`).join('')}<div id="root"></div><script type="module" src="/${script}.js"></script></body></html>`

/** Each of `pages` is a file of `../pages`; its address is its name. `nodeModules` is where our package is installed. */
export async function startSite({ pages, nodeModules }) {
  const entryPoints = pages.map((name) => fileURLToPath(new URL(`../pages/${name}`, import.meta.url)))
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    format: 'esm',
    // Development builds of React: StrictMode runs every effect twice only there.
    define: { 'process.env.NODE_ENV': '"development"' },
    jsx: 'automatic',
    nodePaths: [nodeModules],
    outdir: '/',
    write: false,
    logLevel: 'error',
  })
  const scripts = new Map(outputFiles.map(({ path, contents }) => [path, contents]))
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://site')
    const script = scripts.get(pathname)
    const [type, body] = script ? ['text/javascript', script] : ['text/html', html(pathname.slice(1))]
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  })
  const { port, stop } = await listen(server)
  return {
    url: `http://localhost:${port}`,
    stop,
  }
}
