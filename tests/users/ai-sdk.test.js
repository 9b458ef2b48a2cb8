// useChat and useCompletion of the AI SDK 5, 6 and 7, in a React page under StrictMode.
import assert from 'node:assert/strict'
import { within } from '../lib/deadline.js'
import { ANSWER, HALF, WORDS } from './lib/answer.js'
import { runEach } from './lib/sdk-scenarios.js'

const FIRST_HALF = WORDS.slice(0, HALF).join('')
const CUT_AFTER_BYTES = 7

/** From the half of the answer: cuts all connections in the middle of what comes next, and expects the whole answer. */
async function cutAndFinish({ gate, proxy }, chat) {
  await chat.untilAnswer(FIRST_HALF)
  const cut = proxy.cutAfter(CUT_AFTER_BYTES)
  gate.open()
  await within(20_000, 'the connections were cut', cut)
  await chat.untilAnswer(ANSWER)
  await chat.untilStatus('ready')
}

const SCENARIOS = {
  async 'useChat with df.chatTransport: one cut'({ world, open }) {
    const chat = await open()
    world.gate.holdAt(HALF)
    await chat.press('Send')
    await cutAndFinish(world, chat)
    return { chat, roles: ['user', 'assistant'], asked: ['finished'] }
  },
  async 'useChat with fetch: df.fetch alone: one cut'({ world, open }) {
    const chat = await open({ options: ['plain'] })
    world.gate.holdAt(HALF)
    await chat.press('Send')
    await cutAndFinish(world, chat)
    return { chat, roles: ['user', 'assistant'], asked: ['finished'] }
  },
  async 'resume: true after a reload, and one cut'({ world, open }) {
    const chat = await open()
    world.gate.holdAt(HALF)
    await chat.press('Send')
    await chat.untilAnswer(FIRST_HALF)
    await chat.page.reload()
    await cutAndFinish(world, chat)
    // What was asked is the app's to keep.
    return { chat, roles: ['assistant'], asked: ['finished'] }
  },
  async 'regenerate: a new answer takes the place of the old one'({ world, open }) {
    const chat = await open()
    await chat.press('Send')
    await chat.untilAnswer(ANSWER)
    await chat.untilStatus('ready')
    world.gate.holdAt(HALF)
    await chat.press('Regenerate')
    await cutAndFinish(world, chat)
    return { chat, roles: ['user', 'assistant'], asked: ['finished', 'finished'] }
  },
  async 'stop: the upstream is hung up on, the partial answer stays, a reload does not bring it back'({ world, open }) {
    const chat = await open()
    world.gate.holdAt(HALF)
    await chat.press('Send')
    await chat.untilAnswer(FIRST_HALF)
    await chat.press('Stop')
    await world.upstream.until(0, 'hung up')
    await chat.untilStatus('ready')
    assert.equal((await chat.state()).last, FIRST_HALF)
    await chat.page.reload()
    assert.equal((await chat.untilAsked()).status, 204)
    await chat.untilStatus('ready')
    return { chat, roles: [], asked: ['hung up'] }
  },
  async 'a second message gets its own answer'({ world, open }) {
    const chat = await open()
    await chat.press('Send')
    await chat.untilAnswer(ANSWER)
    await chat.untilStatus('ready')
    world.gate.holdAt(HALF)
    await chat.press('Send')
    await cutAndFinish(world, chat)
    return { chat, roles: ['user', 'assistant', 'user', 'assistant'], asked: ['finished', 'finished'] }
  },
  async 'useCompletion with fetch: df.fetch: one cut'({ world, open }) {
    const chat = await open({ options: ['completion'] })
    world.gate.holdAt(HALF)
    await chat.press('Send')
    await cutAndFinish(world, chat)
    return { chat, roles: ['assistant'], asked: ['finished'] }
  },
}

runEach('AI SDK', {
  pages: ['ai'],
  scenarios: SCENARIOS,
  async check({ chat, roles, asked }, world) {
    const state = await chat.state()
    assert.deepEqual(state.roles, roles)
    assert.equal(state.error, undefined)
    assert.deepEqual(await chat.errors(), [], 'uncaught errors of the page')
    assert.deepEqual(
      world.upstream.requests.map((one) => one.state),
      asked,
      'what the upstream was asked',
    )
    assert.ok(
      world.upstream.requests.every((one) => one.method === 'POST'),
      'it was never asked to resume',
    )
  },
})
