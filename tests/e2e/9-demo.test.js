import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ChatPage } from './lib/chat-page.js'
import { within } from '../lib/deadline.js'
import { ENGINES } from '../lib/engines.js'
import { sharedBrowser } from '../lib/shared-browser.js'

/** Which recorder these tests are about: see lib/killable-recorder.js. */
const RECORDER = process.env.E2E_RECORDER ?? 'native'
const ANSWER = '[data-role=assistant] .text'
const XTASK = process.env.XTASK_BIN ?? fileURLToPath(new URL('../../target/debug/xtask', import.meta.url))

/** Runs `cargo xtask demo` and keeps what it prints. */
function demo(t, ...args) {
  const child = spawn(XTASK, ['demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGTERM'))
  const lines = []
  const waiting = new Set()
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line)
      for (const look of waiting) look(line)
    })
  }
  /** The first match in a line that is printed from now on. */
  const line = (pattern, ms) => {
    const printed = new Promise((resolve) => waiting.add((text) => pattern.test(text) && resolve(pattern.exec(text))))
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`it ended:\n${lines.join('\n')}`)))
    return within(ms, `the demo prints ${pattern}`, Promise.race([printed, ended]))
  }
  return { child, line, exit: once(child, 'close'), output: () => lines.join('\n') }
}

test('the demo starts, answers, survives kill -9 of its recorder, and stops at Ctrl-C', async (t) => {
  const running = demo(t, '--port', '0', '--recorder', RECORDER)
  const killable = running.line(/kill -9 (\d+)/, 600_000)
  const [, url] = await running.line(/The chat is at\s+(http:\S+)/, 600_000)
  const [, pid] = await killable

  const chats = []
  for (const engine of ENGINES) {
    const context = await (await sharedBrowser(engine)).newContext()
    t.after(() => context.close())
    chats.push(await ChatPage.openUnwatched({ context, site: { url } }))
  }
  for (const chat of chats) {
    await chat.send('Why do streams break?')
    await chat.untilSeen(ANSWER, 'You asked: “Why do streams break?”')
  }

  const back = running.line(/kill -9 (\d+)/, 20_000)
  process.kill(Number(pid), 'SIGKILL')
  const [, next] = await back
  assert.notEqual(next, pid)
  for (const chat of chats) {
    await chat.untilSeen('[role=alert]')
    await chat.send('And now?')
    await chat.untilSeen(ANSWER, 'You asked: “And now?”')
  }

  running.child.kill('SIGINT')
  const [code] = await within(20_000, 'the demo stops', running.exit)
  assert.equal(code, 0, running.output())
  assert.throws(() => process.kill(Number(next), 0), 'the recorder is gone too')
  await assert.rejects(fetch(url), 'and so is the page')
})

test('a busy port: the demo says which, and how to choose another', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  t.after(() => squatter.close())
  const { port } = squatter.address()
  const running = demo(t, '--port', String(port))
  const [code] = await within(20_000, 'the demo gives up', running.exit)
  assert.equal(code, 1)
  assert.match(running.output(), new RegExp(`port ${port} is not free`))
  assert.match(running.output(), /cargo xtask demo --port \d+/)
})
