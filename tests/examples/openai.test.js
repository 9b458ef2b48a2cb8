import assert from 'node:assert/strict'
import { test } from 'node:test'
import { example } from './lib/places.js'
import { start } from './lib/process.js'
import { ANSWER, startWorld } from './lib/world.js'

test('examples/openai: the second reader gets the whole answer that the first left', async (t) => {
  const world = await startWorld(t)
  world.gate.holdAt(60)
  const run = start(t, process.execPath, ['main.js'], { cwd: example('openai'), env: world.env })
  await run.prints('[second reader, same id]')
  world.gate.open()
  assert.equal(await run.ended(), 0, run.output())
  assert.ok(
    run.output().includes(`[second reader, same id]\n${ANSWER}\n\n[the end: ${ANSWER.length} characters]`),
    run.output(),
  )
  assert.equal(world.asked(), 1, 'the model was asked once')
})
