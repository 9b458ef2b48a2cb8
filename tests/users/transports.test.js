// df.chatTransport of single requests: what is sent again after a failure, and what stopChat stops.
import assert from 'node:assert/strict'
import { inEachEngine } from '../lib/each-engine.js'
import { openBrowser } from '../lib/engines.js'
import { recorderFor } from './lib/beside.js'
import { installOurs } from './lib/ours.js'
import { sendEvents } from './lib/protocols/event-stream.js'
import { signal, startScripted } from './lib/scripted.js'
import { startSite } from './lib/site.js'
import { versionsOf } from './lib/versions.js'

/** A UI message stream that begins at once and ends when it is let. */
async function sendMessage(response, begins, gate, ends) {
  async function* events() {
    yield [undefined, { type: 'start' }]
    yield [undefined, { type: 'text-start', id: 'text' }]
    yield [undefined, { type: 'text-delta', id: 'text', delta: begins }]
    await gate.opened
    yield [undefined, { type: 'text-delta', id: 'text', delta: ends }]
    yield [undefined, { type: 'text-end', id: 'text' }]
    yield [undefined, { type: 'finish' }]
    yield [undefined, '[DONE]']
  }
  await sendEvents(response, events())
}

const USER = { id: 'question', role: 'user', parts: [{ type: 'text', text: 'Where am I?' }] }
/** What every tab sends by itself once the tool has run. */
const WITH_RESULT = [
  USER,
  {
    id: 'answer',
    role: 'assistant',
    parts: [{ type: 'tool-where', toolCallId: 'call', state: 'output-available', input: {}, output: 'here' }],
  },
]

/** A chat whose requests go elsewhere than its transport says; half of an answer is there. */
async function elsewhere({ t, version, tab }) {
  const gate = signal()
  t.after(gate.open)
  const upstream = await startScripted(t, (_, response) => sendMessage(response, 'half', gate, ' and half'))
  const api = `${upstream.url}/chat`
  const prepared = { api: `${upstream.url}/elsewhere?chatId=another`, body: { id: 'another', message: USER } }
  const chat = { version, api, id: crypto.randomUUID(), messages: [USER], prepared }
  const page = await tab()
  const sent = page.send(chat)
  await page.untilText('half')
  assert.match(upstream.requests[0].url, /^\/elsewhere\?/)
  return { upstream, chat, page, sent }
}

const SCENARIOS = {
  // In 0.2 it was 503 for good, and the upstream was asked once.
  async 'a tool result that met a 503 is sent again, and two tabs start it once'({ t, version, tab }) {
    const gate = signal()
    const upstream = await startScripted(t, async ({ number }, response) => {
      if (number === 0) return void response.writeHead(503).end('busy')
      await sendMessage(response, 'You are ', gate, 'here.')
    })
    const chat = { version, api: `${upstream.url}/chat`, id: crypto.randomUUID(), messages: WITH_RESULT }
    const tabs = [await tab(), await tab()]
    for (const one of tabs) assert.deepEqual(await one.send(chat), { failed: 'busy' })
    assert.equal(upstream.requests.length, 1, 'the second tab hears what the first one heard')
    const again = tabs.map((one) => one.send(chat))
    for (const one of tabs) await one.untilText('You are ')
    gate.open()
    assert.deepEqual(await Promise.all(again), [{ text: 'You are here.' }, { text: 'You are here.' }])
    assert.deepEqual(await tabs[0].send(chat), { text: 'You are here.' }, 'what is answered is not asked again')
    assert.equal(upstream.requests.length, 2)
  },
  // In 0.2 this and the next two said `success`, and nothing was stopped.
  async 'stopChat stops what was sent to another api and id'(scenario) {
    const { upstream, chat, page, sent } = await elsewhere(scenario)
    assert.equal((await page.stop(chat)).success, true)
    await upstream.until(0, 'hung up')
    assert.deepEqual(await sent, { text: 'half' }, 'a clean end')
    assert.equal((await page.stop(chat)).success, false, 'nothing is live any more')
  },
  async 'the same after a reload'(scenario) {
    const { upstream, chat, page } = await elsewhere(scenario)
    await page.reload()
    assert.equal((await page.stop(chat)).success, true)
    await upstream.until(0, 'hung up')
  },
  async 'the same in another tab, which has resumed it'(scenario) {
    const { upstream, chat, sent } = await elsewhere(scenario)
    const other = await scenario.tab()
    const resumed = other.resume(chat)
    await other.untilText('half')
    assert.equal((await other.stop(chat)).success, true)
    await upstream.until(0, 'hung up')
    assert.deepEqual(await resumed, { text: 'half' })
    assert.match((await sent).failed, /stopped elsewhere/)
  },
  async 'stopChat of a chat that nobody asked says so'({ t, version, tab }) {
    const upstream = await startScripted(t, (_, response) => response.end())
    const page = await tab()
    const { success } = await page.stop({ version, api: `${upstream.url}/chat`, id: crypto.randomUUID() })
    assert.equal(success, false)
    assert.equal(upstream.requests.length, 0)
  },
}

/** One tab with the page, and what a test does in it. */
class Tab {
  constructor(page) {
    this.page = page
    this.reload = () => this.#arrives(() => page.reload())
    this.open = (address) => this.#arrives(() => page.goto(address))
    this.send = (chat) => page.evaluate((chat) => window.send(chat), chat).catch(gone)
    this.resume = (chat) => page.evaluate((chat) => window.resume(chat), chat)
    this.stop = (chat) => page.evaluate((chat) => window.stopChat(chat), chat)
    this.untilText = (text) => page.until((text) => window.text === text, text)
  }

  async #arrives(going) {
    await going()
    await this.page.until(() => document.documentElement.dataset.ready)
    assert.equal(await this.page.evaluate(() => window.isOurs), true, 'the client under test is ours')
  }
}

/** The page was reloaded under it. */
const gone = (error) => ({ failed: error.message })

inEachEngine('df.chatTransport, one request at a time', async (t, engine, check) => {
  const ours = await installOurs(t)
  const site = await startSite({ pages: ['transports.js'], ...ours })
  t.after(() => site.stop())
  const browser = await openBrowser(engine)
  t.after(() => browser.close())
  const recorder = await recorderFor(t)
  for (const version of [5, 6, 7]) {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await check(`${versionsOf([`ai-${version}`])}: ${name}`, async (t) => {
        const tab = async () => {
          const page = await browser.newPage()
          t.after(() => page.close())
          const opened = new Tab(page)
          await opened.open(`${site.url}/transports?${new URLSearchParams({ recorder: recorder.url })}`)
          return opened
        }
        await scenario({ t, version, tab })
      })
    }
  }
})
