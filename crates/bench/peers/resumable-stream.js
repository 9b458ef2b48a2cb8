// resumable-stream as its README shows it, on Redis, which keeps nothing on disk here.
import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createClient } from 'redis'
import { createResumableStreamContext } from 'resumable-stream/redis'
import { ask, serve } from './serve.js'

const path = join(await mkdtemp(join(tmpdir(), 'df-redis-')), 'socket')
const options = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no']
const redis = spawn('redis-server', options, { stdio: 'ignore' })
process.on('exit', () => redis.kill())
process.on('SIGTERM', () => process.exit())

async function connect() {
  for (let left = 100; ; left--) {
    const client = createClient({ socket: { path, reconnectStrategy: false } })
    client.on('error', () => {})
    try {
      return await client.connect()
    } catch (error) {
      if (left === 0) throw error
      await setTimeout(50)
    }
  }
}

const context = createResumableStreamContext({
  waitUntil: (promise) => promise.catch((error) => console.error(error)),
  publisher: await connect(),
  subscriber: await connect(),
})

serve((path) =>
  context.resumableStream(path, () => {
    const { readable, writable } = new TextDecoderStream()
    ask(path)
      .then((body) => body.pipeTo(writable))
      .catch((error) => writable.abort(error).catch(() => {}))
    return readable
  }),
)
