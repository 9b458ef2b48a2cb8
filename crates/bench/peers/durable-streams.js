// An application server that puts what the upstream sends into a durable stream, in files, and gives every reader
// that stream from its beginning; both with the client of @durable-streams.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DurableStream, IdempotentProducer, stream } from '@durable-streams/client'
import { DurableStreamTestServer } from '@durable-streams/server'
import { ask, serve } from './serve.js'

const dataDir = await mkdtemp(join(tmpdir(), 'df-durable-streams-'))
const server = new DurableStreamTestServer({ port: 0, host: '127.0.0.1', dataDir, compression: false })
const base = await server.start()
const started = new Map()

async function record(path, url) {
  const handle = await DurableStream.create({ url, contentType: 'application/octet-stream' })
  const producer = new IdempotentProducer(handle, path, { lingerMs: 5, onError: (error) => console.error(error) })
  const pump = async () => {
    for await (const chunk of await ask(path)) producer.append(chunk)
    await producer.close()
  }
  pump().catch((error) => console.error(error))
}

serve(async (path) => {
  const url = base + path
  if (!started.has(path)) started.set(path, record(path, url))
  await started.get(path)
  const reading = await stream({ url, offset: '-1', live: 'long-poll' })
  return reading.bodyStream()
})
