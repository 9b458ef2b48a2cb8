// From the opening of a page to the head of its first answer, in each engine: an app's script, built for production, whose
// server mounts the recorder at /df. Native fetch asks the same recorder at the same mount.
import { fileURLToPath } from 'node:url'
import { ENGINES, openBrowser } from '../lib/engines.js'
import { startFront } from '../lib/front.js'
import { bundled, PACKAGE } from './site.js'

const PAGE = (script) => `<!doctype html><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,">
<script type="module" src="${script}"></script>`

const OF = {
  native: "const fetched = fetch('/df/' + address, { cache: 'no-store' })",
  ours: `
import { DurableFetchClient } from ${JSON.stringify(PACKAGE)}
const before = performance.now()
const df = new DurableFetchClient({ durablefetchHost: '/df' })
window.construction = performance.now() - before
const fetched = df.fetch(address)`,
}

/** What each script ends with. It tells milliseconds since the page was asked for. */
const script = (kind) => `const address = new URLSearchParams(location.search).get('address')
${OF[kind]}
fetched.then(({ status }) => { window.headed = { status, ms: performance.now(), construction: window.construction } })`

/** By engine: `native`, `ours` and `construction`, each a list of milliseconds, a round each. `address()`: a new one. */
export async function startups(recorder, address, rounds) {
  const app = await startApp(recorder)
  try {
    const all = {}
    for (const engine of ENGINES) all[engine] = await inEngine(engine, app.url, address, rounds)
    return all
  } finally {
    await app.stop()
  }
}

async function inEngine(engine, url, address, rounds) {
  const taken = { native: [], ours: [], construction: [] }
  const browser = await openBrowser(engine)
  try {
    // One round more: the first starts the browser's processes.
    for (let round = -1; round < rounds; round++) {
      for (const kind of round % 2 ? ['native', 'ours'] : ['ours', 'native']) {
        const context = await browser.newContext()
        const page = await context.newPage()
        await page.goto(`${url}${kind}.html?address=${encodeURIComponent(address())}`)
        const { status, ms, construction } = await page.until(() => window.headed)
        await context.close()
        if (status !== 200) throw new Error(`${engine}, ${kind}: the answer is a ${status}`)
        if (round < 0) continue
        taken[kind].push(ms)
        if (construction !== undefined) taken.construction.push(construction)
      }
    }
  } finally {
    await browser.close()
  }
  return taken
}

/** An app's server, which mounts the recorder. */
async function startApp(recorder) {
  const files = {}
  for (const kind of Object.keys(OF)) {
    files[`/${kind}.html`] = PAGE(`/${kind}.js`)
    files[`/${kind}.js`] = await bundled(script(kind))
  }
  const root = fileURLToPath(new URL('.', import.meta.url))
  return startFront({ root, files, recorderPort: recorder.port })
}
