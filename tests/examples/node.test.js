import assert from 'node:assert/strict'
import { test } from 'node:test'
import { example } from './lib/places.js'
import { start } from './lib/process.js'
import { ANSWER, beginning, startWorld } from './lib/world.js'

test('examples/node: a script that is killed in the middle of an answer goes on when it is started again', async (t) => {
  const world = await startWorld(t)
  const run = () => start(t, process.execPath, ['main.js'], { cwd: example('node'), env: world.env })
  world.gate.holdAt(40)
  const first = run()
  await first.prints(beginning(40))
  await first.kill('SIGKILL')
  assert.match(first.output(), /^\[asking\]/)

  const second = run()
  await second.prints(beginning(40))
  assert.match(second.output(), new RegExp(`^\\[picking it up: ${Buffer.byteLength(beginning(40))} bytes so far\\]`))
  world.gate.open()
  assert.equal(await second.ended(), 0, second.output())
  assert.ok(second.output().includes(`${ANSWER}\n\n[the end]`), second.output())
  assert.equal(world.asked(), 1, 'the upstream was asked once')

  const third = run()
  assert.equal(await third.ended(), 0, third.output())
  assert.ok(third.output().startsWith(`[the answer is there, ${Buffer.byteLength(ANSWER)} bytes]`), third.output())
  assert.ok(third.output().includes(ANSWER))
  assert.equal(world.asked(), 1, 'not for the third time either')
})
