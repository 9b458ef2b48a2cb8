// A browser as these tests have it everywhere (`BROWSERS` is the file that opens them), and not one that Vitest installs.
import { defineBrowserProvider } from '@vitest/browser'

/** Vitest's configuration of its browser mode, for this engine. */
export async function browser(engine) {
  const { openBrowser } = await import(process.env.BROWSERS)
  const opened = []
  const provider = defineBrowserProvider({
    name: 'engines',
    providerFactory: () => ({
      name: 'engines',
      supportsParallelism: false,
      getCommandsContext: () => ({}),
      async openPage(_session, url) {
        const page = await openBrowser(engine)
        opened.push(page)
        console.log(`tests in ${page.version}`)
        await page.goto(url)
      },
      close: async () => void (await Promise.all(opened.splice(0).map((page) => page.close()))),
    }),
  })
  // A test's size of the page is asked for at its start, which nothing here depends on.
  const commands = { __vitest_viewport: () => {} }
  return { enabled: true, provider, commands, instances: [{ browser: engine }], screenshotFailures: false }
}
