// A client in Node and the same in Chromium, behind one driver.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { launchBrowser } from '../../lib/browser.js'
import { listen } from '../../lib/listen.js'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** A page with `page/<name>.js` in it. `nodeModules`: where our package is installed, for the page that needs it. */
export async function startPages(t, { name, nodeModules = '' }) {
  const script = await build({
    entryPoints: [path(`../page/${name}.js`)],
    bundle: true,
    format: 'iife',
    write: false,
    nodePaths: [nodeModules],
    logLevel: 'error',
  })
  const html =
    '<!doctype html><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,"><script src="/script.js"></script>'
  const server = createServer((request, response) => {
    const isScript = request.url === '/script.js'
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' })
    response.end(isScript ? script.outputFiles[0].contents : html)
  })
  const { port, stop } = await listen(server)
  const browser = await launchBrowser()
  t.after(async () => {
    await browser.close()
    await stop()
  })
  return {
    version: browser.version(),
    /** The driver of page/driver.js, in a fresh page. */
    async open(t, recorder) {
      const page = await browser.newPage()
      t.after(() => page.close())
      await page.goto(`http://localhost:${port}/?${new URLSearchParams({ recorder })}`)
      const call =
        (method) =>
        (...args) =>
          page.evaluate(([method, args]) => window.driver[method](...args), [method, args])
      return new Proxy({}, { get: (_, method) => (method === 'then' ? undefined : call(method)) })
    },
  }
}
