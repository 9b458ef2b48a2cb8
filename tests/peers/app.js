// An application's server with one of the peers in it, a process of its own: `node app.js resumable-stream|tanstack-ai PORT`.
// POST asks UPSTREAM, GET resumes. Prints a line once it listens.
import { createServer } from 'node:http'
import { Readable } from 'node:stream'

const [peer, port] = process.argv.slice(2)
const { UPSTREAM, REDIS } = process.env
const PEERS = { 'resumable-stream': resumableStream, 'tanstack-ai': tanstackAI }
const answer = await PEERS[peer]()

/** As its README shows it; the watchdog looks each second. */
async function resumableStream() {
  const { createClient } = await import('redis')
  const { createResumableStreamContext } = await import('resumable-stream/redis')
  const connect = () => createClient({ url: REDIS }).connect()
  const context = createResumableStreamContext({
    waitUntil: (promise) => promise.catch((error) => console.error(error)),
    publisher: await connect(),
    subscriber: await connect(),
    doneWatchdogIntervalMs: 1000,
  })
  const start = () => {
    const { readable, writable } = new TextDecoderStream()
    fetch(UPSTREAM)
      .then(({ body }) => body.pipeTo(writable))
      .catch((error) => writable.abort(error).catch(() => {}))
    return readable
  }
  return async ({ method, url }) => {
    const { pathname } = new URL(url)
    const stream = await (method === 'GET'
      ? context.resumeExistingStream(pathname)
      : context.resumableStream(pathname, start))
    return stream ? new Response(stream.pipeThrough(new TextEncoderStream())) : new Response(null, { status: 204 })
  }
}

/** With the adapter that needs nothing else. */
async function tanstackAI() {
  const { memoryStream, resumeServerSentEventsResponse, toServerSentEventsResponse } = await import('@tanstack/ai')
  return async (request) => {
    const adapter = memoryStream(request)
    if (request.method === 'GET') return resumeServerSentEventsResponse({ adapter })
    return toServerSentEventsResponse(run(request.headers.get('x-run-id')), { durability: { adapter, batch: 1 } })
  }
}

async function* run(runId) {
  const at = { runId, threadId: 'thread', timestamp: Date.now() }
  yield { type: 'RUN_STARTED', ...at }
  yield { type: 'TEXT_MESSAGE_START', messageId: 'answer', role: 'assistant', timestamp: Date.now() }
  const { body } = await fetch(UPSTREAM)
  for await (const delta of body.pipeThrough(new TextDecoderStream()))
    yield { type: 'TEXT_MESSAGE_CONTENT', messageId: 'answer', delta, timestamp: Date.now() }
  yield { type: 'RUN_FINISHED', ...at }
}

// What escapes would end the process, and with it the connections that are looked at.
process.on('unhandledRejection', (error) => console.error(error))
createServer(async (request, response) => {
  const { method, url, headers } = request
  const body = method === 'POST' ? { body: Readable.toWeb(request), duplex: 'half' } : {}
  try {
    const {
      status,
      headers: said,
      body: answered,
    } = await answer(new Request(`http://app${url}`, { method, headers, ...body }))
    response.writeHead(status, Object.fromEntries(said)).flushHeaders()
    for await (const chunk of answered ?? []) response.write(chunk)
    response.end()
  } catch (error) {
    console.error(error)
    response.destroy()
  }
}).listen(port, '127.0.0.1', () => console.log('listening'))
