// README's quick start, from its own lines. tests/newcomer has it in new apps; this is the part that takes seconds.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { answerTo, beginningOf } from './lib/answers.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const path = (relative) => new URL(relative, import.meta.url)
const README = readFileSync(path('../../README.md'), 'utf8')
const block = (name) =>
  README.split('```tsx\n')
    .find((one) => one.startsWith(`// ${name}\n`))
    .split('```')[0]
const STATUS = '[role=status]'
const QUESTION = 'Why do streams break?'

/** The page of README's lines, and what it shows. Its recorder is wherever the test has put it. */
async function open(t, engine) {
  const client = 'new DurableFetchClient()'
  assert.ok(block('chat.tsx').includes(client))
  const named = 'new DurableFetchClient({ durablefetchHost: import.meta.env.VITE_DURABLEFETCH_HOST })'
  const chat = block('chat.tsx').replace(client, named)
  writeFileSync(path('./quick-start/chat.tsx'), chat)
  writeFileSync(path('./quick-start/page.tsx'), block('app/page.tsx in Next, src/App.tsx in Vite'))

  const world = await startWorld(t, { engine, page: 'quick-start', recorderAt: 'direct' })
  const page = await world.context.newPage()
  await page.goto(world.site.url)
  const shown = () =>
    page.evaluate(() => [...document.querySelectorAll('main > p[class]')].map((p) => [p.className, p.textContent]))
  return {
    ...world,
    page,
    async ask() {
      await page.type('[placeholder="Say something…"]', QUESTION)
      await page.press('Enter')
    },
    /** Resolves once this is the answer, and there is nothing else. */
    async sees(text) {
      const last = (expected) => [...document.querySelectorAll('p.assistant')].at(-1)?.textContent === expected
      await page.until(last, text)
      assert.deepEqual(await shown(), [
        ['user', QUESTION],
        ['assistant', text],
      ])
    },
  }
}

testInEachEngine(
  'the quick start, under StrictMode: question and answer are there once, whatever is reloaded',
  async (t, engine) => {
    const { page, gate, api, ask, sees } = await open(t, engine)
    gate.holdAt(50)
    await ask()
    await sees(beginningOf(QUESTION, 50))
    await page.reload()
    await sees(beginningOf(QUESTION, 50))
    gate.holdAt(70)
    await sees(beginningOf(QUESTION, 70))
    const address = await page.url()
    await page.goto('about:blank')
    gate.open()
    await api.until(0, 'finished')
    await page.goto(address)
    await sees(answerTo(QUESTION))
    await page.reload()
    await sees(answerTo(QUESTION))
    assert.equal(api.posts().length, 1, 'it was asked once')
    assert.deepEqual(await page.errors(), [])
  },
)

testInEachEngine(
  'the quick start says that the connection is lost, and then what became of the answer',
  async (t, engine) => {
    const { page, gate, recorder, ask, sees } = await open(t, engine)
    gate.holdAt(50)
    await ask()
    await sees(beginningOf(QUESTION, 50))
    // What is not written yet is not there after a kill; the worker cannot tell.
    await recorder.untilWritten()
    await recorder.kill()
    await page.until((selector) => document.querySelector(selector)?.textContent.includes('Connection lost'), STATUS)
    await recorder.restart()
    await page.until(() => document.querySelector('[role=alert]') !== null)
    assert.equal(await page.evaluate((selector) => document.querySelectorAll(selector).length, STATUS), 0)
    assert.deepEqual(await page.errors(), [])
  },
)
