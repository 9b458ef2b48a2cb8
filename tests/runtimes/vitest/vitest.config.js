import { defineBrowserProvider } from '@vitest/browser'
import { defineConfig } from 'vitest/config'

const { BROWSER, BROWSERS, PLACES } = process.env

/** A browser as these tests have it everywhere (`BROWSERS` is the file that opens them), and not one that Vitest installs. */
async function browser() {
  const { openBrowser } = await import(BROWSERS)
  const opened = []
  const provider = defineBrowserProvider({
    name: 'engines',
    providerFactory: () => ({
      name: 'engines',
      supportsParallelism: false,
      getCommandsContext: () => ({}),
      async openPage(_session, url) {
        const page = await openBrowser(BROWSER)
        opened.push(page)
        console.log(`tests in ${page.version}`)
        await page.goto(url)
      },
      close: async () => void (await Promise.all(opened.splice(0).map((page) => page.close()))),
    }),
  })
  // A test's size of the page is asked for at its start, which nothing here depends on.
  const commands = { __vitest_viewport: () => {} }
  return { enabled: true, provider, commands, instances: [{ browser: BROWSER }], screenshotFailures: false }
}

export default defineConfig(async () => ({
  test: { provide: { places: JSON.parse(PLACES) }, testTimeout: 60_000, browser: BROWSER ? await browser() : {} },
}))
