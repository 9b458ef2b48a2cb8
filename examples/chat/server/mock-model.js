// A language model that needs no key: it streams a long answer, word by word. The same prompt gets the same answer.
import { MockLanguageModelV4 } from 'ai/test'
import { answerTo } from './mock-answer.js'

/**
 * `pace(index, prompt)` is awaited before word number `index` is sent; it decides how slow the model is.
 * The stream ends early when the caller aborts.
 */
export function mockModel({ pace }) {
  return new MockLanguageModelV4({
    provider: 'mock',
    modelId: 'slow-writer',
    doStream: async ({ prompt, abortSignal }) => {
      const question = lastQuestion(prompt)
      const words = answerTo(question).match(/\s*\S+/g)
      return { stream: ReadableStream.from(parts(words, question, pace, abortSignal)) }
    },
  })
}

async function* parts(words, question, pace, abortSignal) {
  yield { type: 'stream-start', warnings: [] }
  yield { type: 'text-start', id: 'text' }
  for (const [index, delta] of words.entries()) {
    await pace(index, question)
    if (abortSignal?.aborted) return
    yield { type: 'text-delta', id: 'text', delta }
  }
  yield { type: 'text-end', id: 'text' }
  yield { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage: usage(words.length) }
}

function lastQuestion(prompt) {
  const user = prompt.findLast((message) => message.role === 'user')
  return user?.content.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''
}

function usage(words) {
  return {
    inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: words, text: words, reasoning: undefined },
  }
}
