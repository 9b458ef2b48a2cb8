// A server route that asks a model with df.fetch, for several people at once.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai-7'
import { within } from '../lib/deadline.js'
import { listen } from '../lib/listen.js'
import { recorderFor } from './lib/beside.js'
import { installOurs } from './lib/ours.js'
import { sendEvents } from './lib/protocols/event-stream.js'
import { completionChunk } from './lib/protocols/openai.js'
import { signal, startScripted } from './lib/scripted.js'
import { versionsOf } from './lib/versions.js'

/** Chat completions: an answer that names its question. It begins at once and ends when it is let. */
async function startModel(t) {
  const gate = signal()
  async function* answer(question) {
    yield [undefined, completionChunk({ role: 'assistant', content: `You asked ${question}` })]
    await gate.opened
    yield [undefined, completionChunk({ content: ', I answer.' })]
    yield [undefined, completionChunk({}, 'stop')]
    yield [undefined, '[DONE]']
  }
  const upstream = await startScripted(t, async ({ body }, response) => {
    const { content } = JSON.parse(body).messages.at(-1)
    await sendEvents(response, answer(typeof content === 'string' ? content : content[0].text))
  })
  t.after(gate.open)
  return { ...upstream, release: gate.open }
}

/** The app's server: `POST /api/chat` with a prompt. */
async function startRoute(t, never, upstream) {
  // snippet:begin
  const openai = createOpenAI({ fetch: never.fetch, baseURL: `${upstream}/v1`, apiKey: 'of your server' })
  // snippet:end
  const server = createServer(async (request, response) => {
    const { prompt } = JSON.parse(await text(request))
    // snippet:begin
    const result = streamText({ model: openai.chat('gpt-5'), prompt })
    // snippet:end
    result.pipeTextStreamToResponse(response)
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return `http://127.0.0.1:${port}/api/chat`
}

test(`createOpenAI in a route (${versionsOf(['@ai-sdk/openai', 'ai-7'])})`, async (t) => {
  const ours = await installOurs(t)
  const { DurableFetchClient } = await ours.load()
  const recorder = await recorderFor(t)

  /** Asks the route all of it at once; the model answers when it was asked this often. */
  async function ask(t, { reuse, prompts, times }) {
    const model = await startModel(t)
    const df = new DurableFetchClient({ durablefetchHost: recorder.url, reuse })
    const route = await startRoute(t, df, model.url)
    const post = async (prompt) => {
      const response = await fetch(route, { method: 'POST', body: JSON.stringify({ prompt }) })
      return response.text()
    }
    const asked = prompts.map(post)
    await model.asked(times)
    model.release()
    const answers = await within(20_000, 'all answers', Promise.all(asked))
    assert.deepEqual(
      answers,
      prompts.map((prompt) => `You asked ${prompt}, I answer.`),
    )
    assert.equal(model.requests.length, times)
  }

  // In 0.2 both were given the answer to the first.
  for (const reuse of ['always', 'live', 'never']) {
    await t.test(`reuse: '${reuse}': two prompts at once are two answers`, (t) =>
      ask(t, { reuse, prompts: ['for Alice', 'for Bob'], times: 2 }),
    )
  }
  await t.test("reuse: 'never': equal prompts at once are two answers", (t) =>
    ask(t, { reuse: 'never', prompts: ['the same', 'the same'], times: 2 }),
  )
  await t.test('by default equal prompts are one answer', (t) =>
    ask(t, { prompts: ['the same', 'the same'], times: 1 }),
  )
})
