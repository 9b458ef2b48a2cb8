import assert from 'node:assert/strict'
import { answerTo, beginningOf } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const QUESTION = 'What happens when I close the tab?'
const PARTIAL = beginningOf(QUESTION, 40)

/** A chat whose answer waits at word 40. */
async function midAnswer(t, engine) {
  const world = await startWorld(t, { engine })
  world.gate.holdAt(40)
  const chat = await ChatPage.open(world)
  await chat.send(QUESTION)
  await chat.untilAnswer(PARTIAL)
  return { world, chat }
}

/** Presses Stop and checks everything that Stop promises, a reload included. */
async function stopAndCheck({ world, chat }) {
  const pressed = await chat.stop()
  const request = await world.api.until(0, 'hung up')
  const took = request.closedAt - pressed
  assert.ok(took <= 1000, `the upstream connection was closed after ${took} ms`)
  await chat.untilStatus('ready')
  assert.deepEqual(await chat.messages(), [
    ['user', QUESTION],
    ['assistant', PARTIAL],
  ])

  world.gate.open()
  await chat.reload()
  await chat.untilStatus('ready')
  assert.deepEqual(await chat.messages(), [
    ['user', QUESTION],
    ['assistant', PARTIAL],
  ])
  assert.equal(world.api.requests.length, 1, 'a reload does not start it again')
  assert.deepEqual(await chat.errors(), [])
}

testInEachEngine(
  'Stop: the upstream closes within 1 s, what was written stays, a reload does not restart it',
  async (t, engine) => {
    await stopAndCheck(await midAnswer(t, engine))
  },
)

testInEachEngine('the same after a reload: Stop stops the answer that this page only resumed', async (t, engine) => {
  const { world, chat } = await midAnswer(t, engine)
  await chat.reload()
  await chat.untilAnswer(PARTIAL)
  await chat.untilStatus('streaming')
  await stopAndCheck({ world, chat })
})

testInEachEngine(
  'switching to another chat in the middle of an answer and back does not stop it',
  async (t, engine) => {
    const { world, chat } = await midAnswer(t, engine)
    await chat.press('New chat')
    await chat.untilSeen('h1, h2')
    assert.equal((await chat.messages()).length, 0)
    assert.equal(world.api.requests[0].state, 'open', 'the answer is still being written')

    await chat.openInSidebar(QUESTION)
    await chat.untilAnswer(PARTIAL)
    assert.equal(world.api.requests[0].state, 'open', 'the answer is still being written')
    world.gate.open()
    await chat.untilAnswer(answerTo(QUESTION))
    await chat.untilStatus('ready')
    assert.deepEqual(await chat.messages(), [
      ['user', QUESTION],
      ['assistant', answerTo(QUESTION)],
    ])
    assert.equal(world.api.requests.length, 1, 'the API saw one request')
    await world.api.until(0, 'finished')
  },
)
