import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { answerTo, beginningOf } from './lib/answers.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const read = (relative) => readFileSync(new URL(relative, import.meta.url), 'utf8')

test('the page under test is the first diff of README, applied', () => {
  const [, diff] = /```diff\n(.*?)```/s.exec(read('../../README.md'))
  const [, executed] = /\/\/ diff:begin\n(.*?) *\/\/ diff:end/s.exec(read('./first-diff/chat.jsx'))
  assert.equal(diff.replace(/^-.*\n/gm, '').replace(/^[+ ]/gm, ' '), executed)
})

/** A person with a browser and a chat of their own. */
async function person(world, question) {
  const { newPage } = await world.newPerson()
  const page = await newPage()
  await page.goto(`${world.site.url}/?chat=${crypto.randomUUID()}`)
  const last = (text) => [...document.querySelectorAll('[data-role=assistant]')].at(-1)?.textContent === text
  return {
    errors: () => page.errors(),
    reload: () => page.reload(),
    async send() {
      await page.type('[aria-label=Message]', question)
      await page.press('Enter')
    },
    sees: (textOf) => page.until(last, textOf(question)),
  }
}

// In 0.2 Bob saw Alice's answer, and no answer survived a reload.
for (const recorderAt of ['direct', 'mount']) {
  testInEachEngine(
    `the first diff, two people at once: each their own answer, which survives a reload (recorder: ${recorderAt})`,
    async (t, engine) => {
      const world = await startWorld(t, { engine, page: 'first-diff', recorderAt })
      world.gate.holdAt(50)
      const people = [await person(world, 'What does Alice ask?'), await person(world, 'What does Bob ask?')]
      const each = (act) => Promise.all(people.map(act))
      const beginning = (question) => beginningOf(question, 50)
      await each((one) => one.send())
      await each((one) => one.sees(beginning))
      await each((one) => one.reload())
      await each((one) => one.sees(beginning))
      world.gate.open()
      await each((one) => one.sees(answerTo))
      assert.deepEqual(
        world.api.requests.map(({ method }) => method),
        ['POST', 'POST'],
        'each question was asked once',
      )
      for (const { errors } of people) assert.deepEqual(await errors(), [])
    },
  )
}
