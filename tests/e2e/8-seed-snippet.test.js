import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTo, beginningOf } from './lib/answers.js'
import { startWorld } from './lib/world.js'

const QUESTION = 'Why do streams break?'

/** What the snippet shows: `[role, text]` for each message. */
const messages = (page) =>
  page
    .locator('.font-bold')
    .evaluateAll((roles) => roles.map((role) => [role.textContent, role.nextSibling.textContent]))

/**
 * Resolves when the page is told that an answer is over, which is later than its last word. Until then the hook may put
 * that word behind the next question.
 */
const untilOver = (page) =>
  page.waitForResponse((response) => 'durablefetch-length' in response.headers(), { timeout: 20_000 })

async function send(page, text) {
  await page.getByPlaceholder('Say something...').fill(text)
  await page.keyboard.press('Enter')
}

async function untilLast(page, text) {
  const shown = (expected) => [...document.querySelectorAll('.space-y-4 p')].at(-1)?.textContent === expected
  await page.waitForFunction(shown, text, { timeout: 20_000, polling: 'raf' })
}

/** Asks, reloads when half of the answer is there, and reads the whole. Returns the page's errors, a list that grows. */
async function reloadInTheMiddle(world, page, { query = '', beforeReload = () => {} } = {}) {
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(`${world.site.url}/?${query}chat=${crypto.randomUUID()}`)

  world.gate.holdAt(50)
  await send(page, QUESTION)
  await untilLast(page, beginningOf(QUESTION, 50))
  beforeReload()
  await page.reload()
  await untilLast(page, beginningOf(QUESTION, 50))
  const over = untilOver(page)
  world.gate.open()
  await untilLast(page, answerTo(QUESTION))
  await over
  return errors
}

for (const recorderAt of ['direct', 'mount']) {
  test(`the snippet of 0.1.0's README works as it is, only the host differs (recorder: ${recorderAt})`, async (t) => {
    const world = await startWorld(t, { page: 'snippet', recorderAt })
    const page = await world.context.newPage()
    const errors = await reloadInTheMiddle(world, page)
    assert.deepEqual(await messages(page), [
      ['user', QUESTION],
      ['assistant', answerTo(QUESTION)],
    ])
    assert.equal(world.api.requests.length, 1, 'the API saw one request')

    await send(page, 'And now?')
    await untilLast(page, answerTo('And now?'))
    assert.equal((await messages(page)).length, 4)
    assert.equal(world.api.requests.length, 2, 'a second message is a request of its own')
    assert.deepEqual(errors, [])
  })
}

// StrictMode runs the effect twice: twice it hears that an answer is going on, and twice it sends the message again, in a
// body that is not the one that was sent before the reload.
test('the snippet under StrictMode asks the upstream once', async (t) => {
  const world = await startWorld(t, { page: 'snippet' })
  const page = await world.context.newPage()
  const sent = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/chat')) sent.push(request.headers())
  })
  const errors = await reloadInTheMiddle(world, page, { query: 'strict&', beforeReload: () => (sent.length = 0) })
  assert.equal(sent.length, 2, 'it was sent again twice')
  for (const headers of sent) assert.ok(headers['durablefetch-attach'], 'to the answer that is going on')
  assert.equal(world.api.requests.length, 1, 'the API saw one request')
  assert.deepEqual(errors, [])
})
