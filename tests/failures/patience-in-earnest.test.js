// Silence of minutes, with the client's defaults: six minutes, in all engines at the same time.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { inEachEngine } from '../lib/each-engine.js'
import { askingIn, assertWhole, isStart, isStatus } from './lib/asking.js'
import { startPages } from './lib/page.js'

const FIRST = 'the first event, '
const REST = 'and the rest'
const MINUTE = 60_000

inEachEngine('patience in earnest', define, { together: true })

async function define(t, engine, check) {
  const pages = await startPages(t, engine)
  const asking = askingIn(pages)
  const long = check('a head after six minutes, with `--header-timeout 10m`', async (t) => {
    const world = await asking(t, { args: ['--header-timeout', '10m'], options: {} })
    await pause(6 * MINUTE)
    world.asked.head()
    world.asked.end(REST)
    await assertWhole(world, REST)
    assert.equal(world.proxy.seen.filter(isStart).length, 1)
    assert.ok(world.proxy.seen.filter(isStatus).length <= 10, 'it is asked once a minute')
  })
  const held = check('a proxy that holds heads, through a silence of three minutes', async (t) => {
    const world = await asking(t, { holds: 'heads', options: {} })
    world.asked.head()
    world.asked.write(FIRST)
    await world.page.until('one', FIRST.length)
    await pause(3 * MINUTE)
    world.asked.end(REST)
    await assertWhole(world, FIRST + REST)
  })
  await Promise.all([long, held])
}
