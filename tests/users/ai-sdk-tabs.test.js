// One chat of the AI SDK in several places: what is asked once is asked once.
import assert from 'node:assert/strict'
import { ANSWER, HALF, WORDS } from './lib/answer.js'
import { runEach } from './lib/sdk-scenarios.js'

const FIRST_HALF = WORDS.slice(0, HALF).join('')
const HOOKS = 20

/** How many of the hooks in a page show this. */
const showing = (chat, text, count) =>
  chat.page.until(
    (text, count) =>
      [...document.querySelectorAll('[data-role=assistant]')].filter((one) => one.textContent === text).length >= count,
    text,
    count,
  )

/** The tool has run in this tab, and the message that asked for it is not over. */
const toolHasRun = (chat) =>
  chat.page.until(() => document.querySelector('main[data-status=streaming][data-outputs="1"]') !== null)

/** Whatever the page had meant to do after the last event, it has begun. */
const settled = (chat) => chat.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)))

async function twoTabs({ world, open }) {
  world.gate.holdAt(0)
  const first = await open({ page: 'tabs', options: ['tool'] })
  await first.press('Send')
  await toolHasRun(first)
  const second = await open({ page: 'tabs', options: ['tool'], id: first.id })
  await toolHasRun(second)
  return { first, second }
}

const SCENARIOS = {
  async 'twenty hooks on one Chat, mounting at once: one open resume'({ world, open }) {
    const { id } = await halfSent({ world, open })
    const many = await open({ page: 'tabs', options: ['shared'], id })
    await showing(many, FIRST_HALF, HOOKS)
    const asked = await many.asked()
    assert.equal(asked.open, 1, JSON.stringify(asked))
    world.gate.open()
    await showing(many, ANSWER, HOOKS)
    assert.equal(world.upstream.requests.length, 1)
    return [many]
  },
  async 'twenty Chats of the same id, mounting at once: no more than a resume each'({ world, open }) {
    const { id } = await halfSent({ world, open })
    const many = await open({ page: 'tabs', options: ['apart'], id })
    // As many as a browser has connections to one host.
    await showing(many, FIRST_HALF, 6)
    const asked = await many.asked()
    assert.ok(asked.open <= HOOKS, JSON.stringify(asked))
    world.gate.open()
    await showing(many, ANSWER, 6)
    assert.equal(world.upstream.requests.length, 1)
    return [many]
  },
  async 'the recorder dies, an error; then a tab switch, at which the hook comes back by itself: still an error'({
    world,
    open,
    version,
  }) {
    world.gate.holdAt(HALF)
    const chat = await open()
    await chat.press('Send')
    await chat.untilAnswer(FIRST_HALF)
    // A kill takes what was not written yet, and the replay is shorter then than what was shown.
    await world.recorder.untilWritten()
    await world.recorder.kill()
    await world.recorder.restart()
    await chat.untilStatus('error')
    const replayed = await chat.asksAgain('replay')
    await chat.toBackgroundAndBack()
    await replayed()
    // What comes back is all there is, from its first byte. The hooks of 5 and 6 put it behind what they have: they keep
    // `resumeStreamIsReplay` of the transport from the chat.
    const shown = version < 7 ? FIRST_HALF.repeat(2) : FIRST_HALF
    await chat.untilAnswer(shown)
    await chat.untilStatus('error')
    assert.equal(world.upstream.requests.length, 1)
    return [chat]
  },
  async 'a tool that runs in two tabs: what follows is sent upstream once'({ world, open }) {
    const { first, second } = await twoTabs({ world, open })
    world.gate.open()
    for (const chat of [first, second]) {
      await chat.untilAnswer(ANSWER)
      await chat.untilStatus('ready')
      assert.equal((await chat.asked()).sent, chat === first ? 2 : 1, 'each tab sends what follows')
    }
    assert.deepEqual(
      world.upstream.requests.map(({ method, state }) => `${method} ${state}`),
      ['POST finished', 'POST finished'],
    )
    return [first, second]
  },
  async 'the first tab presses Stop: the second sends nothing'({ world, open }) {
    const { first, second } = await twoTabs({ world, open })
    await first.press('Stop')
    for (const chat of [first, second]) {
      await chat.untilStatus('ready')
      await settled(chat)
    }
    await assertSent(first, second, [1, 0])
    await world.upstream.until(0, 'hung up')
    assert.equal(world.upstream.requests.length, 1)
    return [first, second]
  },
  async 'the first tab sends anew: the second sends nothing'({ world, open }) {
    const { first, second } = await twoTabs({ world, open })
    await first.press('Send anew')
    await second.untilStatus('error')
    await settled(second)
    await assertSent(first, second, [2, 0])
    assert.equal((await second.state()).error, "A later request for the same URL took the recording's place.")
    world.gate.open()
    return [first, second]
  },
}

/** Another page has asked, and half of the answer is there. */
async function halfSent({ world, open }) {
  world.gate.holdAt(HALF)
  const first = await open()
  await first.untilStatus('ready')
  await first.press('Send')
  await first.untilAnswer(FIRST_HALF)
  await first.close()
  return first
}

/** How many messages each has sent. */
async function assertSent(first, second, counts) {
  const asked = await Promise.all([first, second].map((chat) => chat.asked()))
  assert.deepEqual(
    asked.map(({ sent }) => sent),
    counts,
    JSON.stringify(asked),
  )
}

runEach('AI SDK in several places', {
  pages: ['ai', 'tabs'],
  scenarios: SCENARIOS,
  async check(chats) {
    for (const chat of chats) assert.deepEqual(await chat.errors(), [], 'uncaught errors of the page')
  },
})
