// An app on an origin of its own: files, a slow answer at /api/ask, and a recorder mounted at /df.
import { createServer, request as ask } from 'node:http'
import { text } from 'node:stream/consumers'
import { Gate } from '../../lib/gate.js'
import { listen } from '../../lib/listen.js'
import { startRecorder } from '../../lib/recorder.js'
import { fileOf } from './files.js'

const COUNT = 120
const words = (question) => Array.from({ length: COUNT }, (_, index) => `word${index} of ${question}. `)

/** The answer to a question: whole, and its beginning. */
export const answer = (question, count = COUNT) => words(question).slice(0, count).join('')

/**
 * `proxied`: by path, the address of the server that answers there. `files`: by path, what is served: a text, or `{ dir }` for all below that path. `headers`: added to each of them.
 * `flags`: of the recorder, or a function that is told the app's address.
 */
export async function startApp(t, { files = {}, proxied = {}, headers = {}, flags = [] } = {}) {
  const gate = new Gate()
  const asked = []
  let recorder
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://app')
    if (pathname.startsWith('/df/')) return forward(request, response, recorder.url, request.url.slice('/df'.length))
    if (proxied[pathname]) return forward(request, response, proxied[pathname], request.url)
    if (pathname === '/api/ask') return reply(request, response)
    const found = await fileOf(files, pathname)
    if (!found) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': found.type, 'cache-control': 'no-cache', ...headers }).end(found.bytes)
  })

  async function reply(request, response) {
    const question = request.method === 'POST' ? await text(request) : 'GET'
    asked.push(question)
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    for (const [index, word] of words(question).entries()) {
      await gate.pace(index)
      if (response.destroyed) return
      response.write(word)
    }
    response.end()
  }

  const { port, stop } = await listen(server, { host: undefined })
  const url = `http://localhost:${port}`
  recorder = await startRecorder({ flags: typeof flags === 'function' ? flags(url) : flags })
  t.after(async () => {
    gate.open()
    await recorder.stop()
    await stop()
  })
  return { url, gate, asked, recorder }
}

function forward(request, response, to, path) {
  const { method, headers } = request
  const onward = ask({ port: new URL(to).port, host: '127.0.0.1', method, path, headers }, (answered) => {
    response.writeHead(answered.statusCode, answered.headers)
    answered.pipe(response)
    answered.on('error', () => response.destroy())
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}
