// Scenarios in each engine with each version of the AI SDK, each in a world of its own.
import { inEachEngine } from '../../lib/each-engine.js'
import { openBrowser } from '../../lib/engines.js'
import { ChatPage } from './chat-page.js'
import { installOurs } from './ours.js'
import { startSite } from './site.js'
import { versionsOf } from './versions.js'
import { startWorld } from './world.js'

/**
 * `pages`: what the names of the pages begin with. A scenario is a function of `{ world, open, version }`; `check` is given what
 * it resolves with, and the world. `open` opens a page: the options of `ChatPage.open`.
 */
export function runEach(name, { pages: names, scenarios, check: checked }) {
  inEachEngine(name, async (t, engine, check) => {
    const ours = await installOurs(t)
    const versions = [5, 6, 7]
    const pages = names.flatMap((name) => versions.map((version) => `${name}-${version}.jsx`))
    const site = await startSite({ pages, ...ours })
    t.after(() => site.stop())
    const browser = await openBrowser(engine)
    t.after(() => browser.close())
    t.diagnostic(browser.version)
    for (const version of versions) {
      const told = versionsOf([`ai-${version}`, `ai-react-${version}`])
      for (const [name, scenario] of Object.entries(scenarios)) {
        await check(`${told}: ${name}`, async (t) => {
          const world = await startWorld(t)
          const open = (options = {}) => ChatPage.open(t, { site, browser, world, version, ...options })
          await checked(await scenario({ world, open, version }), world)
        })
      }
    }
  })
}
