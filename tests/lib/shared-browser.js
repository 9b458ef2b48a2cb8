// One browser for all tests of a file.
import { after } from 'node:test'
import { openBrowser } from './engines.js'

const shared = new Map()

/** One for all tests of the file, which is closed after them. Each takes a context of its own. */
export function sharedBrowser(engine) {
  if (!shared.has(engine)) shared.set(engine, openBrowser(engine))
  return shared.get(engine)
}

after(async () => {
  for (const browser of shared.values()) await (await browser).close()
})
