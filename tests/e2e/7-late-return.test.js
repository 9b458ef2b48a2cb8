import assert from 'node:assert/strict'
import { answerTo, beginningOf } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const QUESTION = 'Tell me a long story about a train'

testInEachEngine(
  'a tab closed in the middle of an answer, reopened after its end: the whole answer is there, once',
  async (t, engine) => {
    const world = await startWorld(t, { engine, reconnect: 'recorded' })
    world.gate.holdAt(50)
    const first = await ChatPage.open(world)
    await first.send(QUESTION)
    await first.untilAnswer(beginningOf(QUESTION, 50))
    const address = await first.address()
    await first.page.close()

    world.gate.open()
    await world.api.until(0, 'finished')

    const again = await ChatPage.open(world, address)
    const whole = [
      ['user', QUESTION],
      ['assistant', answerTo(QUESTION)],
    ]
    await again.untilAnswer(answerTo(QUESTION))
    await again.untilStatus('ready')
    assert.deepEqual(await again.messages(), whole)

    await again.reload()
    await again.untilAnswer(answerTo(QUESTION))
    await again.untilStatus('ready')
    assert.deepEqual(await again.messages(), whole, 'and after one more reload still once')
    assert.equal(world.api.requests.length, 1, 'the API saw one request')
    assert.deepEqual(await again.errors(), [])
  },
)
