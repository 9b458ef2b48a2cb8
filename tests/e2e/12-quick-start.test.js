// README's quick start, from its own lines. tests/newcomer has it in new apps; this is the part that takes seconds.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { answerTo, beginningOf } from './lib/answers.js'
import { startWorld } from './lib/world.js'

const path = (relative) => new URL(relative, import.meta.url)
const README = readFileSync(path('../../README.md'), 'utf8')
const block = (name) =>
  README.split('```tsx\n')
    .find((one) => one.startsWith(`// ${name}\n`))
    .split('```')[0]
const QUESTION = 'Why do streams break?'

/** The page of README's lines, and what it shows. Its recorder is wherever the test has put it. */
async function open(t) {
  const host = "durablefetchHost: 'http://localhost:8787'"
  assert.ok(block('chat.tsx').includes(host))
  const chat = block('chat.tsx').replace(host, 'durablefetchHost: import.meta.env.VITE_DURABLEFETCH_HOST')
  writeFileSync(path('./quick-start/chat.tsx'), chat)
  writeFileSync(path('./quick-start/page.tsx'), block('app/page.tsx in Next, src/App.tsx in Vite'))

  const world = await startWorld(t, { page: 'quick-start', recorderAt: 'direct' })
  const page = await world.context.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  const shown = () => page.locator('main > p[class]').evaluateAll((all) => all.map((p) => [p.className, p.textContent]))
  await page.goto(world.site.url)
  return {
    ...world,
    page,
    errors,
    async ask() {
      await page.getByPlaceholder('Say something…').fill(QUESTION)
      await page.keyboard.press('Enter')
    },
    /** Resolves once this is the answer, and there is nothing else. */
    async sees(text) {
      const last = (expected) => [...document.querySelectorAll('p.assistant')].at(-1)?.textContent === expected
      await page.waitForFunction(last, text, { timeout: 20_000, polling: 'raf' })
      assert.deepEqual(await shown(), [
        ['user', QUESTION],
        ['assistant', text],
      ])
    },
  }
}

test('the quick start, under StrictMode: question and answer are there once, whatever is reloaded', async (t) => {
  const { page, gate, api, errors, ask, sees } = await open(t)
  gate.holdAt(50)
  await ask()
  await sees(beginningOf(QUESTION, 50))
  await page.reload()
  await sees(beginningOf(QUESTION, 50))
  gate.holdAt(70)
  await sees(beginningOf(QUESTION, 70))
  const address = page.url()
  await page.goto('about:blank')
  gate.open()
  await api.until(0, 'finished')
  await page.goto(address)
  await sees(answerTo(QUESTION))
  await page.reload()
  await sees(answerTo(QUESTION))
  assert.equal(api.posts().length, 1, 'it was asked once')
  assert.deepEqual(errors, [])
})

test('the quick start says that the connection is lost, and then what became of the answer', async (t) => {
  const { page, gate, recorder, errors, ask, sees } = await open(t)
  gate.holdAt(50)
  await ask()
  await sees(beginningOf(QUESTION, 50))
  // What is not written yet is not there after a kill; the worker cannot tell.
  await recorder.untilWritten()
  await recorder.kill()
  await page.getByRole('status').filter({ hasText: 'Connection lost' }).waitFor({ timeout: 20_000 })
  await recorder.restart()
  await page.getByRole('alert').waitFor({ timeout: 30_000 })
  assert.equal(await page.getByRole('status').count(), 0)
  assert.deepEqual(errors, [])
})
