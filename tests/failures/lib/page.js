// The page of `tests/lib/page` in one engine, with the packed package in it.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drive } from '../../lib/driven.js'
import { openBrowser } from '../../lib/engines.js'
import { freshProject } from '../../lib/project.js'
import { serveStatic } from '../../lib/static.js'

export { OPTIONS } from '../../lib/driven.js'

/** Served and opened as often as need be; gone after the test. `more`: options of the browser. */
export async function startPages(t, engine, more) {
  const { dir, manifest, files } = await freshProject(t, fileURLToPath(new URL('../../lib/page', import.meta.url)))
  // npm has an older package of this name: without WebAssembly.
  assert.ok(
    files.some((file) => file.endsWith('.wasm')),
    `the package under test is not ours: ${files}`,
  )
  const site = await serveStatic(t, dir)
  const browser = await openBrowser(engine, more)
  t.after(() => browser.close())
  t.diagnostic(`durablefetch ${manifest.version}, ${browser.version}`)
  return {
    dir,
    url: site.url,
    browser,
    /** A page of its own, of another person than all others, with a client of this recorder. */
    async open(t, host, options = {}, { address = site.url } = {}) {
      const context = await browser.newContext()
      t.after(() => context.close())
      return drive(await context.newPage(), address, host, options)
    },
    /** The address of the page where this function runs before anything else. */
    async before(what) {
      const page = await readFile(join(dir, 'index.html'), 'utf8')
      await writeFile(join(dir, 'before.html'), page.replace('<script', `<script>(${what})()</script><script`))
      return `${site.url}/before.html`
    },
  }
}

/** Nothing that the page has thrown went uncaught. */
export async function assertQuiet({ page }) {
  assert.deepEqual(await page.errors(), [])
}
