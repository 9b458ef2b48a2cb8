import assert from 'node:assert/strict'
import { answerTo, beginningOf } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const QUESTION = 'Why do streams break?'
const PARTIAL = beginningOf(QUESTION, 60)

// Through Vite's proxy too: it swallows the reset of a dying upstream.
for (const recorderAt of ['direct', 'mount']) {
  testInEachEngine(
    `the recorder is killed in the middle of an answer and restarted (recorder: ${recorderAt})`,
    async (t, engine) => {
      const world = await startWorld(t, { engine, recorderAt })
      world.gate.holdAt(60)
      const chat = await ChatPage.open(world)
      await chat.send(QUESTION)
      await chat.untilAnswer(PARTIAL)

      // A kill takes what was not written yet, and the replay is shorter then than what was shown.
      const written = await world.recorder.untilWritten()
      await world.recorder.kill()
      await world.recorder.restart()
      await chat.untilSeen('[role=alert]')
      await chat.untilStatus('error')
      const received = [
        ['user', QUESTION],
        ['assistant', PARTIAL],
      ]
      assert.deepEqual(await chat.messages(), received, 'what was received stays')

      // The hook resumes when the page comes back to the front.
      const resumed = await chat.asksAgain()
      const failedAgain = await chat.turnsTo('error')
      await chat.toBackgroundAndBack()
      await resumed()
      await failedAgain()
      const kept = await chat.messages()
      const [, [, answer]] = kept
      if (written) assert.equal(answer, PARTIAL, 'what was received stays after switching tabs')
      else assert.ok(answer && PARTIAL.startsWith(answer), `${JSON.stringify(answer)} is not its beginning`)

      world.gate.open()
      await chat.send('And now?')
      await chat.untilAnswer(answerTo('And now?'))
      await chat.untilStatus('ready')
      assert.deepEqual(await chat.messages(), [...kept, ['user', 'And now?'], ['assistant', answerTo('And now?')]])
      assert.equal(world.api.requests.length, 2, 'the API saw one request for each message')
      assert.deepEqual(await chat.errors(), [])
    },
  )
}
