import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launchBrowser } from '../lib/browser.js'
import { example } from './lib/places.js'
import { picture } from './lib/picture.js'
import { start } from './lib/process.js'
import { ANSWER, beginning, startWorld } from './lib/world.js'

/** Waits until the page shows exactly this. */
const untilShown = (page, text) =>
  page.waitForFunction((expected) => document.getElementById('answer').textContent === expected, text, {
    timeout: 20_000,
  })

test('examples/vanilla: two tabs and a reload show one answer', async (t) => {
  const world = await startWorld(t)
  const server = start(t, process.execPath, ['serve.js'], { cwd: example('vanilla'), env: { PORT: '0' } })
  const [, page] = await server.prints(/listening on (\S+)/)
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 800, height: 560 } })
  const first = await context.newPage()
  await first.goto(`${page}/?recorder=${world.recorder.url}&upstream=${world.upstream}`)

  world.gate.holdAt(40)
  await first.getByRole('button', { name: 'Ask' }).click()
  await untilShown(first, beginning(40))
  const second = await context.newPage()
  await second.goto(first.url())
  await untilShown(second, beginning(40))
  await first.reload()
  await untilShown(first, beginning(40))

  world.gate.holdAt(90)
  await Promise.all([untilShown(first, beginning(90)), untilShown(second, beginning(90))])
  await picture(t, first, 'vanilla')
  world.gate.open()
  await Promise.all([untilShown(first, ANSWER), untilShown(second, ANSWER)])
  await first.locator('#state').getByText('complete').waitFor()
  assert.equal(world.asked(), 1, 'the upstream was asked once')
})

test('examples/vanilla: Stop ends the answer at the upstream, and for both tabs', async (t) => {
  const world = await startWorld(t)
  const server = start(t, process.execPath, ['serve.js'], { cwd: example('vanilla'), env: { PORT: '0' } })
  const [, page] = await server.prints(/listening on (\S+)/)
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const first = await browser.newPage()
  await first.goto(`${page}/?recorder=${world.recorder.url}&upstream=${world.upstream}`)
  world.gate.holdAt(20)
  await first.getByRole('button', { name: 'Ask' }).click()
  await untilShown(first, beginning(20))
  const second = await browser.newPage()
  await second.goto(first.url())
  await untilShown(second, beginning(20))
  await first.getByRole('button', { name: 'Stop' }).click()
  for (const tab of [first, second]) {
    await tab.locator('#state').getByText('stopped').waitFor()
    assert.equal(await tab.locator('#answer').textContent(), beginning(20))
  }
  await world.hungUp()
  assert.equal(world.asked(), 1)
})
