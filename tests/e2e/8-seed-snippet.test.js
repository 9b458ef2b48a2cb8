import assert from 'node:assert/strict'
import { answerTo, beginningOf } from './lib/answers.js'
import { countAnswers, untilAnswered } from '../lib/watch.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const QUESTION = 'Why do streams break?'

/** What the snippet shows: `[role, text]` for each message. */
const messages = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.font-bold')].map((role) => [role.textContent, role.nextSibling.textContent]),
  )

/**
 * An answer is over for the page later than its last word is there. Until then the hook may put that word behind the next
 * question.
 */
const isOver = ({ answered }) => 'durablefetch-length' in answered

async function send(page, text) {
  await page.type('[placeholder="Say something..."]', text)
  await page.press('Enter')
}

async function untilLast(page, text) {
  const shown = (expected) => [...document.querySelectorAll('.space-y-4 p')].at(-1)?.textContent === expected
  await page.until(shown, text)
}

/** Asks, reloads when half of the answer is there, and reads the whole. */
async function reloadInTheMiddle(world, page, { query = '' } = {}) {
  await page.goto(`${world.site.url}/?${query}chat=${crypto.randomUUID()}`)

  world.gate.holdAt(50)
  await send(page, QUESTION)
  await untilLast(page, beginningOf(QUESTION, 50))
  await page.reload()
  await untilLast(page, beginningOf(QUESTION, 50))
  const over = await countAnswers(page, isOver)
  world.gate.open()
  await untilLast(page, answerTo(QUESTION))
  await untilAnswered(page, isOver, over)
}

for (const recorderAt of ['direct', 'mount']) {
  testInEachEngine(
    `the snippet of 0.1.0's README works as it is, only the host differs (recorder: ${recorderAt})`,
    async (t, engine) => {
      const world = await startWorld(t, { engine, page: 'snippet', recorderAt })
      const page = await world.context.newPage()
      await reloadInTheMiddle(world, page)
      assert.deepEqual(await messages(page), [
        ['user', QUESTION],
        ['assistant', answerTo(QUESTION)],
      ])
      assert.equal(world.api.requests.length, 1, 'the API saw one request')

      await send(page, 'And now?')
      await untilLast(page, answerTo('And now?'))
      assert.equal((await messages(page)).length, 4)
      assert.equal(world.api.requests.length, 2, 'a second message is a request of its own')
      assert.deepEqual(await page.errors(), [])
    },
  )
}

// StrictMode runs the effect twice: twice it hears that an answer is going on, and twice it sends the message again, in a
// body that is not the one that was sent before the reload.
testInEachEngine('the snippet under StrictMode asks the upstream once', async (t, engine) => {
  const world = await startWorld(t, { engine, page: 'snippet' })
  const page = await world.context.newPage()
  await reloadInTheMiddle(world, page, { query: 'strict&' })
  const sent = await page.evaluate(() =>
    window.answers
      .filter(({ method, url }) => method === 'POST' && url.includes('/api/chat'))
      .map((one) => one.headers),
  )
  assert.equal(sent.length, 2, 'it was sent again twice')
  for (const headers of sent) assert.ok(headers['durablefetch-attach'], 'to the answer that is going on')
  assert.equal(world.api.requests.length, 1, 'the API saw one request')
  assert.deepEqual(await page.errors(), [])
})
