import assert from 'node:assert/strict'
import { answerTo, beginningOf, wordsOf } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { within } from '../lib/deadline.js'
import { seeded } from '../lib/random.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const ROUNDS = Number(process.env.E2E_ROUNDS ?? 1)
const CUTS = 3
/** The last words are held back until all cuts have fallen; so many bytes at most are between two of them. */
const HELD_BACK = 20
const APART_MAX = 5000

testInEachEngine('all connections cut in the middle of an answer, three times: nothing shows', async (t, engine) => {
  const random = seeded(t, 'cuts')
  // Slow enough that each cut falls between two words.
  const world = await startWorld(t, { engine, recorderAt: 'cut', delayMs: 8 })
  const chat = await ChatPage.open(world)
  await chat.watchForAlerts()
  for (let round = 0; round < ROUNDS; round += 1) {
    const question = `Question number ${round + 1}`
    const asked = world.api.requests.length
    world.gate.holdAt(wordsOf(question).length - HELD_BACK)
    await chat.send(question)
    for (let cut = 0; cut < CUTS; cut += 1) {
      const bytes = random.between(1, APART_MAX)
      t.diagnostic(`round ${round + 1}: cut ${cut + 1} after ${bytes} bytes`)
      await within(30_000, `cut ${cut + 1}`, world.proxy.cutAfter(bytes))
    }
    assert.equal(world.api.requests[asked].state, 'open', 'all cuts fell into the answer')
    world.gate.open()
    await chat.untilAnswer(answerTo(question))
    await chat.untilStatus('ready')
    assert.equal(world.api.requests.length, asked + 1, 'the API saw one request')
  }
  assert.deepEqual(await chat.alerts(), [], 'no error was ever shown')
  assert.deepEqual(await chat.errors(), [])
})

testInEachEngine(
  'pulling the plug of the demo shows that it reconnects, then the answer goes on',
  async (t, engine) => {
    const question = 'Why do streams break?'
    const world = await startWorld(t, { engine })
    world.gate.holdAt(60)
    const chat = await ChatPage.open(world)
    await chat.watchForAlerts()
    await chat.send(question)
    await chat.untilAnswer(beginningOf(question, 60))
    await chat.press('pull the plug')
    await chat.untilStatus('reconnecting')
    world.gate.open()
    await chat.untilAnswer(answerTo(question))
    await chat.untilStatus('ready')
    assert.equal(world.api.requests.length, 1, 'the API saw one request')
    assert.deepEqual(await chat.alerts(), [], 'no error was ever shown')
  },
)
