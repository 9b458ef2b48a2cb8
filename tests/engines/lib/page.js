// The page of `tests/lib/page` in one of the engines, with the packed package in it.
import { fileURLToPath } from 'node:url'
import { ENGINES, openBrowser } from '../../lib/engines.js'
import { freshProject } from '../../lib/project.js'
import { serveStatic } from '../../lib/static.js'

const PAGE = fileURLToPath(new URL('../../lib/page', import.meta.url))

/** Serves the page, and runs a test once in each engine, or in the one that ENGINE names. */
export async function inEachEngine(t, run) {
  const { dir, manifest } = await freshProject(t, PAGE)
  const site = await serveStatic(t, dir)
  t.diagnostic(`durablefetch ${manifest.version}`)
  for (const engine of ENGINES) {
    await t.test(engine, async (t) => {
      const browser = await openBrowser(engine)
      t.after(() => browser.close())
      t.diagnostic(browser.version)
      await run(t, browser, site.url)
    })
  }
}
