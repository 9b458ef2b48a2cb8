// An upstream that needs no key and no network: it writes slowly, and knows nothing of durablefetch.
//
//   ANY  /story?…                 plain text, a word at a time
//   POST /v1/chat/completions     the same words as OpenAI's API streams them
import { createServer } from 'node:http'

const TEXT = `A streamed answer is a promise made word by word. In the usual design it ends when the reader leaves: the
socket is gone, and with it everything that was still to come. So something stands between reader and writer, and
writes everything down. If you leave, it goes on listening. If you come back, it reads to you from the first word,
quickly, and then at the pace of the writer. Every byte has a place, counted from the beginning, even in the middle of
a “naïve façade”, in Αθήνα or in a face like 😀; whoever has read as far as byte 4 096 asks for the rest from there. A
clean end says: this was all. A torn connection says nothing at all, and is never shown as an end. Stopping is
different from leaving: when you press Stop you do not want to pay for words that nobody asked for any more. What I
like most is that the two ends need not know. The page calls fetch, as it always did; the server answers, as it always
did. Only the line between them has become patient. ✨`

/** What answer number `n` of this process says, word by word. */
export function wordsOf(n) {
  return `Answer ${n}. ${TEXT.replaceAll('\n', ' ')}`.match(/\s*\S+/g)
}

/** An HTTP server. `pace(index)` is awaited before each word: it decides how slow the writer is. */
export function createUpstream({ pace }) {
  let answers = 0
  return createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://upstream')
    const answer = { '/story': story, '/v1/chat/completions': completion }[pathname]
    if (!answer) return response.writeHead(404).end('not found')
    const n = ++answers
    console.log(`upstream: asked for answer ${n}`)
    // A broken connection ends the writing: nobody pays for what nobody reads.
    response.on('close', () => response.writableFinished || console.log(`upstream: answer ${n} was hung up on`))
    request.resume().on('end', () => answer(response, wordsOf(n), pace).catch((error) => response.destroy(error)))
  })
}

async function story(response, words, pace) {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  for await (const word of paced(response, words, pace)) response.write(word)
  response.end()
}

async function completion(response, words, pace) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (delta, finish_reason = null) => {
    const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model: 'slow-writer' }
    response.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason }] })}\n\n`)
  }
  send({ role: 'assistant', content: '' })
  for await (const word of paced(response, words, pace)) send({ content: word })
  send({}, 'stop')
  response.end('data: [DONE]\n\n')
}

async function* paced(response, words, pace) {
  for (const [index, word] of words.entries()) {
    await pace(index)
    if (response.destroyed) throw new Error('hung up')
    yield word
  }
}
