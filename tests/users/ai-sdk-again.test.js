// The plain transport and useCompletion over df.fetch, asked several times: whose answer is shown.
import assert from 'node:assert/strict'
import { runEach } from './lib/sdk-scenarios.js'

/** Asks once, then presses Regenerate this often. Resolves with what was shown each time. */
async function regenerate(chat, presses) {
  const shown = []
  for (const button of ['Send', ...Array(presses).fill('Regenerate')]) {
    const posted = await chat.posts()
    await chat.press(button)
    await posted()
    await chat.untilStatus('ready')
    shown.push((await chat.state()).last)
  }
  return shown
}

/** One answer is on its way when it is stopped and another prompt sent. */
async function stopAndSendAnother({ world, open }, reuse) {
  world.gate.holdAt(0)
  const chat = await open({ options: ['completion', 'numbered'], reuse })
  await chat.press('Send')
  await chat.untilAnswer('1: ')
  await chat.press('Stop and send another')
  await chat.untilAnswer('2: ')
  world.gate.open()
  await chat.untilAnswer('2: Another')
  await chat.untilStatus('ready')
  // Stopping there is aborting, which detaches.
  await world.upstream.until(0, 'finished')
  return { chat, asked: 2 }
}

const SCENARIOS = {
  async "plain transport, reuse: 'live': each press of Regenerate is a new answer"({ open }) {
    const chat = await open({ options: ['plain', 'numbered'] })
    assert.deepEqual(await regenerate(chat, 3), ['1: Hello', '2: Hello', '3: Hello', '4: Hello'])
    return { chat, asked: 4 }
  },
  // The second press sends what the first one sent, to the byte.
  async 'plain transport, by default: a second press of Regenerate is given the answer of the first'({ open }) {
    const chat = await open({ options: ['plain', 'numbered'], reuse: 'always' })
    assert.deepEqual(await regenerate(chat, 3), ['1: Hello', '2: Hello', '2: Hello', '2: Hello'])
    return { chat, asked: 2 }
  },
  // In 0.2 the second prompt was given the answer to the first.
  async "useCompletion, reuse: 'live': stop(), then complete() of another prompt"(scenario) {
    return await stopAndSendAnother(scenario, 'live')
  },
  async 'useCompletion, by default: stop(), then complete() of another prompt'(scenario) {
    return await stopAndSendAnother(scenario, 'always')
  },
}

runEach('AI SDK, asked again', {
  pages: ['ai'],
  scenarios: SCENARIOS,
  async check({ chat, asked }, world) {
    assert.deepEqual(await chat.errors(), [], 'uncaught errors of the page')
    assert.equal(world.upstream.requests.length, asked)
  },
})
