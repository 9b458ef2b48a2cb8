// Last messages, whatever is wrong with localStorage: never an error, and they are there while the page is.
import assert from 'node:assert/strict'
import { executes } from './lib/executes.js'
import { inEngines, readPage } from './lib/page.js'
import { project } from './lib/project.js'
import { serveStatic } from '../lib/static.js'

const BEFORE = { text: 'before' }
const AFTER = { before: BEFORE, after: { text: 'after' }, replaced: 800, cleared: [null, null] }
const KINDS = {
  works: AFTER,
  forbidden: AFTER,
  missing: AFTER,
  null: AFTER,
  full: AFTER,
  'full later': AFTER,
  // What was stored before cannot be read any more.
  'throwing later': { ...AFTER, before: null },
  corrupted: { ...AFTER, before: null },
}

executes('no bundler: localStorage full, forbidden, missing, throwing, corrupted', (t) =>
  inEngines((engine) => check(t, engine)),
)

async function check(t, engine) {
  const { dir } = await project('bare')
  let browser
  for (const [kind, expected] of Object.entries(KINDS)) {
    // An origin of its own for each: what one has stored is not there for the next.
    const { url } = await serveStatic(t, dir)
    const world = {
      query: new URLSearchParams({ kind, recorder: 'http://localhost:1' }).toString(),
      recorderOutput: () => '',
    }
    const read = await readPage(t, engine, `${url}/storage.html`, world)
    assert.deepEqual(read.report, expected, kind)
    assert.deepEqual(read.errors, [], kind)
    browser = read.browser
  }
  return browser
}
