import assert from 'node:assert/strict'
import { answerTo, beginningOf } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const QUESTION = 'Tell me a long story about a train'

testInEachEngine(
  'a second tab opened in the middle of an answer shows the same answer to its end',
  async (t, engine) => {
    const world = await startWorld(t, { engine })
    world.gate.holdAt(50)
    const first = await ChatPage.open(world)
    await first.send(QUESTION)
    await first.untilAnswer(beginningOf(QUESTION, 50))

    const second = await ChatPage.open(world, await first.address())
    await second.untilAnswer(beginningOf(QUESTION, 50))
    await second.untilStatus('streaming')

    world.gate.open()
    for (const chat of [first, second]) {
      await chat.untilAnswer(answerTo(QUESTION))
      await chat.untilStatus('ready')
      assert.deepEqual(await chat.messages(), [
        ['user', QUESTION],
        ['assistant', answerTo(QUESTION)],
      ])
      assert.deepEqual(await chat.errors(), [])
    }
    assert.equal(world.api.requests.length, 1, 'the API saw one request')
  },
)

testInEachEngine('a question asked in one tab appears in the other, with its answer', async (t, engine) => {
  const world = await startWorld(t, { engine })
  const first = await ChatPage.open(world)
  const second = await ChatPage.open(world, await first.address())
  await first.untilSeen('body', 'Also open in another tab')
  world.gate.holdAt(50)
  await first.send(QUESTION)
  await second.untilAnswer(beginningOf(QUESTION, 50))
  world.gate.open()
  for (const chat of [first, second]) {
    await chat.untilAnswer(answerTo(QUESTION))
    assert.deepEqual(await chat.messages(), [
      ['user', QUESTION],
      ['assistant', answerTo(QUESTION)],
    ])
  }
  assert.equal(world.api.requests.length, 1, 'the API saw one request')
})
