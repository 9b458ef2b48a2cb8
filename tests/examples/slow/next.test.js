import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launchBrowser } from '../../lib/browser.js'
import { freePort } from '../../lib/listen.js'
import { picture } from '../lib/picture.js'
import { example } from '../lib/places.js'
import { start } from '../lib/process.js'
import { ANSWER, beginning, startWorld } from '../lib/world.js'

const QUESTION = 'Why do streams break?'

test('examples/next: the component of the 0.1.0 README, behind a rewrite of Next, survives a reload', async (t) => {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  // As `cargo xtask demo next` starts it.
  const world = await startWorld(t, [
    '--base-path=/df',
    `--public-origin=${origin}`,
    `--allow=${origin}/api/`,
    '--unguessable-urls',
  ])
  const args = ['node_modules/next/dist/bin/next', 'dev', '--hostname', 'localhost', '--port', String(port)]
  const next = start(t, process.execPath, args, {
    cwd: example('next'),
    // `node --test` sets it for its own children.
    env: {
      ...world.env,
      RECORDER_URL: `${world.recorder.url}/df`,
      NODE_TEST_CONTEXT: undefined,
      NEXT_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
    },
  })
  await next.prints(/Ready in/, 240_000)
  const browser = await launchBrowser()
  t.after(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 800, height: 560 } })
  const untilLast = (text) =>
    page.waitForFunction(
      (expected) => [...document.querySelectorAll('.space-y-4 p')].at(-1)?.textContent === expected,
      text,
      {
        timeout: 240_000, // Next compiles at the first request
      },
    )

  world.gate.holdAt(40)
  await page.goto(origin, { timeout: 240_000, waitUntil: 'networkidle' }) // until it is hydrated
  await page.getByPlaceholder('Say something...').fill(QUESTION)
  await page.keyboard.press('Enter')
  await untilLast(beginning(40))
  await page.reload()
  await untilLast(beginning(40))
  world.gate.holdAt(90)
  await untilLast(beginning(90))
  await picture(t, page, 'next')
  world.gate.open()
  await untilLast(ANSWER)
  assert.deepEqual(await page.locator('.font-bold').allTextContents(), ['user', 'assistant'])
  assert.equal(world.asked(), 1, 'the model was asked once')
})
