// The client under test, for `cargo xtask chaos`: one line of JSON says what to fetch, one line says what came of it.
// With `--browser` the same code reads in a page of Chromium.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

// Where the packed package is installed.
const MODULES = process.env.DURABLEFETCH_MODULES

const { read, stop } = process.argv.includes('--browser') ? await browser() : await node()
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await read(JSON.parse(line)))}\n`)
}
await stop()
process.exit()

async function node() {
  // An error that escapes is an error of ours: it ends a program of Node.
  process.on('unhandledRejection', (error) => {
    process.stdout.write(`unhandled rejection: ${error?.stack ?? error}\n`)
    process.exit(1)
  })
  const { DurableFetchClient } = await import(pathToFileURL(join(MODULES, 'durablefetch/index.js')))
  const { readOnce } = await import('./read.js')
  return { read: (order) => readOnce(DurableFetchClient, order), stop: async () => {} }
}

async function browser() {
  const { startSite } = await import('./site.js')
  const { launchBrowser } = await import('../lib/browser.js')
  const site = await startSite(MODULES)
  const chromium = await launchBrowser()
  const page = await chromium.newPage()
  page.on('pageerror', (error) => {
    process.stdout.write(`error in the page: ${error.stack}\n`)
    process.exit(1)
  })
  await page.goto(site.url)
  return {
    read: (order) =>
      page.evaluate(async (order) => {
        const { DurableFetchClient } = await import('/durablefetch/index.js')
        const { readOnce } = await import('/read.js')
        return readOnce(DurableFetchClient, order)
      }, order),
    async stop() {
      await chromium.close()
      site.stop()
    },
  }
}
