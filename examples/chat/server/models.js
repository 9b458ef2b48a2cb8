// Which model answers: a real one where its key is in the environment, the mock model otherwise.
import { mockModel } from './mock-model.js'

export async function chooseModel(env) {
  if (env.OPENAI_API_KEY) {
    const { openai } = await import('@ai-sdk/openai')
    const id = env.MODEL ?? 'gpt-4.1-mini'
    return { model: openai(id), name: `OpenAI's ${id}` }
  }
  if (env.ANTHROPIC_API_KEY) {
    const { anthropic } = await import('@ai-sdk/anthropic')
    const id = env.MODEL ?? 'claude-sonnet-4-5'
    return { model: anthropic(id), name: `Anthropic's ${id}` }
  }
  const delayMs = Number(env.MOCK_DELAY_MS ?? 60)
  return { model: mockModel({ pace: steady(delayMs) }), name: `a mock model, one word every ${delayMs} ms` }
}

/** A pace that waits the same time before every word. */
function steady(delayMs) {
  return () => new Promise((resolve) => setTimeout(resolve, delayMs))
}
