import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { answerTo, beginningOf } from './lib/answers.js'
import { ChatPage } from './lib/chat-page.js'
import { pictures } from './lib/pictures.js'
import { startWorld, testInEachEngine } from './lib/world.js'

const QUESTION = 'Why do streams break?'
const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))

for (const recorderAt of ['mount', 'direct']) {
  testInEachEngine(
    `a reload in the middle of an answer: it goes on to its end (recorder: ${recorderAt})`,
    async (t, engine) => {
      const world = await startWorld(t, { engine, recorderAt })
      world.gate.holdAt(60)
      const chat = await ChatPage.open(world)
      await chat.send(QUESTION)
      await chat.untilAnswer(beginningOf(QUESTION, 60))
      const frames = engine === 'chromium' ? pictures(chat.page) : undefined
      await frames?.take('1. asked')

      await chat.reload()
      await chat.untilAnswer(beginningOf(QUESTION, 60))
      await chat.untilStatus('streaming')

      // A little further after the reload: the picture shows an answer that is going on.
      world.gate.holdAt(150)
      await chat.untilAnswer(beginningOf(QUESTION, 150))
      await mkdir(RESULTS, { recursive: true })
      await frames?.take('2. reloaded in the middle: it goes on')
      await writeFile(`${RESULTS}after-reload-${recorderAt}-${engine}.png`, await chat.page.screenshot())

      world.gate.open()
      await chat.untilAnswer(answerTo(QUESTION))
      await chat.untilStatus('ready')
      await frames?.take('3. the whole answer, asked for once')
      if (recorderAt === 'mount') await frames?.write('reload')
      assert.deepEqual(await chat.messages(), [
        ['user', QUESTION],
        ['assistant', answerTo(QUESTION)],
      ])
      assert.equal(world.api.requests.length, 1, 'the API saw one request')
      assert.deepEqual(await chat.errors(), [])
    },
  )
}
