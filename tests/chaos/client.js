// The client under test, for `cargo xtask chaos`: one line of JSON says what to fetch, one line says what came of it.
// With `--browser ENGINE` the same code reads in a page.
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
  const { openBrowser } = await import('../lib/engines.js')
  const site = await startSite(MODULES)
  const page = await openBrowser(process.argv[process.argv.indexOf('--browser') + 1])
  await page.goto(site.url)
  return {
    async read(order) {
      const got = await page.evaluate(async (order) => {
        const { DurableFetchClient } = await import('/durablefetch/index.js')
        const { readOnce } = await import('/read.js')
        return readOnce(DurableFetchClient, order)
      }, order)
      const errors = await page.errors()
      if (errors.length === 0) return got
      process.stdout.write(`error in the page: ${errors.join(', ')}\n`)
      process.exit(1)
    },
    async stop() {
      await page.close()
      site.stop()
    },
  }
}
