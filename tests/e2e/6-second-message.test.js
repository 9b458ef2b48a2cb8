import assert from 'node:assert/strict'
import { answerTo } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { startWorld, testInEachEngine } from './lib/world.js'

for (const reconnect of ['live', 'recorded']) {
  testInEachEngine(
    `a second message in the same chat gets its own answer (reconnect: '${reconnect}')`,
    async (t, engine) => {
      const world = await startWorld(t, { engine, reconnect })
      const chat = await ChatPage.open(world)
      const expected = []
      // The first question once more at the end: the same words are not the same message.
      for (const question of ['One', 'Two', 'One']) {
        await chat.send(question)
        await chat.untilAnswer(answerTo(question))
        await chat.untilStatus('ready')
        expected.push(['user', question], ['assistant', answerTo(question)])
        assert.deepEqual(await chat.messages(), expected)
      }
      assert.equal(world.api.requests.length, 3)
      await chat.reload()
      await chat.untilAnswer(answerTo('One'))
      await chat.untilStatus('ready')
      assert.deepEqual(await chat.messages(), expected)
      assert.equal(world.api.requests.length, 3)
      assert.deepEqual(await chat.errors(), [])
    },
  )
}
