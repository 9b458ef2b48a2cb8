// The client under test, for `cargo xtask chaos`: one line of JSON says what to fetch, one line says what came of it.
// With `--browser ENGINE` the same code reads in a page.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

// Where the packed package is installed.
const MODULES = process.env.CHAOS_MODULES
// Which of its entries: the one without WebAssembly is `js.js`.
const ENTRY = process.env.CHAOS_ENTRY ?? 'index.js'

const { read, last, stop } = process.argv.includes('--browser') ? await browser() : await node()
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) say(await read(JSON.parse(line)))
say(await last())
await stop()
process.exit()

async function node() {
  // An error that escapes is an error of ours: it ends a program of Node.
  process.on('unhandledRejection', (error) => {
    process.stdout.write(`unhandled rejection: ${error?.stack ?? error}\n`)
    process.exit(1)
  })
  const { DurableFetchClient } = await import(pathToFileURL(join(MODULES, 'durablefetch', ENTRY)))
  const { readOnce } = await import('./read.js')
  const last = async () => ({ uncaught: [] })
  return { read: (order) => readOnce(DurableFetchClient, order), last, stop: async () => {} }
}

async function browser() {
  const { startSite } = await import('./site.js')
  const { openBrowser } = await import('../lib/engines.js')
  const site = await startSite(MODULES)
  const page = await openBrowser(process.argv[process.argv.indexOf('--browser') + 1])
  await page.goto(site.url)
  let told = 0
  /** The errors that nothing has caught since it was asked last. */
  const uncaught = async () => {
    const fresh = (await page.errors()).slice(told)
    told += fresh.length
    return fresh
  }
  return {
    async read(order) {
      const got = await page.evaluate(
        async ({ order, entry }) => {
          const { DurableFetchClient } = await import(`/durablefetch/${entry}`)
          const { readOnce } = await import('/read.js')
          return readOnce(DurableFetchClient, order)
        },
        { order, entry: ENTRY },
      )
      return { ...got, uncaught: await uncaught() }
    },
    /** What comes to light once all that the last read has set off is done. */
    async last() {
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
      return { uncaught: await uncaught() }
    },
    async stop() {
      await page.close()
      site.stop()
    },
  }
}
