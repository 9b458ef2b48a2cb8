// A server route that asks a model with df.fetch, for several people at once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai-7'
import { within } from '../e2e/lib/deadline.js'
import { recorderFor } from './lib/beside.js'
import { installOurs } from './lib/ours.js'
import { sendEvents } from './lib/protocols/event-stream.js'
import { signal, startScripted } from './lib/scripted.js'
import { versionsOf } from './lib/versions.js'

/** Chat completions: an answer that names its question. It begins at once and ends when it is let. */
async function startModel(t) {
  const gate = signal()
  const chunk = (delta, finish_reason = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'gpt-5',
    choices: [{ index: 0, delta, finish_reason }],
  })
  async function* answer(question) {
    yield [undefined, chunk({ role: 'assistant', content: `You asked ${question}` })]
    await gate.opened
    yield [undefined, chunk({ content: ', I answer.' })]
    yield [undefined, chunk({}, 'stop')]
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
async function startRoute(t, openai) {
  const server = createServer(async (request, response) => {
    const { prompt } = JSON.parse(await text(request))
    streamText({ model: openai.chat('gpt-5'), prompt }).pipeTextStreamToResponse(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${server.address().port}/api/chat`
}

// In 0.2 both were given the answer to the first.
test(`createOpenAI({ fetch: df.fetch }) in a route (${versionsOf(['@ai-sdk/openai', 'ai-7'])}): two prompts at once`, async (t) => {
  const ours = await installOurs(t)
  const { DurableFetchClient } = await ours.load()
  const recorder = await recorderFor(t)
  const model = await startModel(t)
  const df = new DurableFetchClient({ durablefetchHost: recorder.url })
  const openai = createOpenAI({ fetch: df.fetch, baseURL: model.url, apiKey: "the server's" })
  const route = await startRoute(t, openai)
  const ask = async (prompt) => {
    const response = await fetch(route, { method: 'POST', body: JSON.stringify({ prompt }) })
    return response.text()
  }
  const asked = ['for Alice', 'for Bob'].map(ask)
  await model.asked(2)
  model.release()
  const answers = await within(20_000, 'both answers', Promise.all(asked))
  assert.deepEqual(answers, ['You asked for Alice, I answer.', 'You asked for Bob, I answer.'])
  assert.equal(model.requests.length, 2)
})
