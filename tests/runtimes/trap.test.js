// A trap in wasm: what is in flight says so, the page goes on, and the next call has a fresh instance.
import assert from 'node:assert/strict'
import { executes } from './lib/executes.js'
import { inEngines, readPage } from './lib/page.js'
import { REFUSED } from './lib/policy.js'
import { project } from './lib/project.js'
import { serveStatic } from '../lib/static.js'
import { BODY } from './lib/upstream.js'
import { startWorld } from './lib/world.js'

executes('no bundler: traps within the module', (t) => inEngines((engine) => check(t, engine, 'trap.html', {})))
executes('no bundler: panics of durablefetch/js', (t) =>
  inEngines((engine) => check(t, engine, 'trap-js.html', REFUSED)),
)

async function check(t, engine, file, headers) {
  const { dir } = await project('bare')
  const { url } = await serveStatic(t, dir, headers)
  const { report, errors, browser } = await readPage(t, engine, `${url}/${file}`, await startWorld(t))
  assert.equal(report.error, undefined, JSON.stringify(report))

  const { call, closure, thrown, constructed } = report
  const broken = { ...report.ends, call, closure, thrown, constructed }
  for (const [name, { message, ...facts }] of Object.entries(broken)) {
    assert.deepEqual(facts, { ours: true, code: 'internal', trap: true }, `${name} in ${JSON.stringify(report)}`)
    assert.doesNotMatch(message, /network|fetch(?!\b)|\bfetch/i, 'nobody takes it for a lost connection')
  }
  assert.equal(report.listeners, 0, 'nothing listens for what is gone')
  assert.ok(
    report.signals.length >= 2 && report.signals.every(Boolean),
    `its requests are ended in ${JSON.stringify(report)}`,
  )

  assert.deepEqual(report.lastMessage, { text: 'hello' })
  assert.equal(report.kept, 'y')
  const whole = ['afterwards', 'transport', 'again', 'transportAgain', 'second', 'other']
  for (const name of whole) assert.equal(report[name], BODY.length, name)
  const both = [
    ['replay', 'resume'],
    ['resume', 'resume'],
  ]
  assert.deepEqual(
    report.modes,
    both,
    'how chats come back that were in flight, and others: after the trap, and once whole',
  )
  assert.deepEqual(report.instances, [1, 2, 6], 'one instance more for each trap')
  assert.deepEqual(report.unheard, [])
  // Firefox's own words for a body that broke, whose error is heard: nothing of it is in `unheard`.
  const others = errors.filter(
    (line) => !(engine === 'firefox' && line.includes('Failed to read data from the Readable')),
  )
  assert.deepEqual(others, [], 'no errors in the console')
  return browser
}
