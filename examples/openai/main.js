// `node main.js`: the OpenAI SDK through df.fetch. It reads half of an answer, loses its reader, and reads the whole
// of it with a second one; the model is asked once.
//
//   OPENAI_API_KEY     a real key asks the real API (api.openai.com); without it, the mock at OPENAI_BASE_URL
//   OPENAI_BASE_URL    default http://localhost:8788/v1 where there is no key
//   OPENAI_MODEL       default gpt-5-mini
//   RECORDER_URL       default http://localhost:8787
import OpenAI from 'openai'
import { DurableFetchClient } from 'durablefetch'

const { RECORDER_URL = 'http://localhost:8787', OPENAI_MODEL = 'gpt-5-mini', OPENAI_API_KEY } = process.env
const df = new DurableFetchClient({ durablefetchHost: RECORDER_URL })

const client = new OpenAI({
  fetch: df.fetch,
  apiKey: OPENAI_API_KEY ?? 'none',
  baseURL: process.env.OPENAI_BASE_URL ?? (OPENAI_API_KEY ? undefined : 'http://localhost:8788/v1'),
})

// The SDK posts everything to one URL, and a recording is kept by its URL: `query` gives each answer its own.
const id = crypto.randomUUID()
const ask = () =>
  client.chat.completions.create(
    { model: OPENAI_MODEL, messages: [{ role: 'user', content: 'Why do streams break?' }], stream: true },
    { query: { id } },
  )

console.log('[first reader]')
let seen = 0
for await (const chunk of await ask()) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '')
  if (++seen === 20) break // leaving the loop aborts the request: the reader goes, the recording goes on
}

console.log('\n\n[second reader, same id]')
let text = ''
for await (const chunk of await ask()) {
  const delta = chunk.choices[0]?.delta.content ?? ''
  process.stdout.write(delta)
  text += delta
}
console.log(`\n\n[the end: ${text.length} characters]`)
