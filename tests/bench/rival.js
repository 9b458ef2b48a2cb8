// @durable-streams/server, in files, and what fills it. A process of its own, as the recorder is: imported, this module
// starts that process; run by itself, it is it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SELF = fileURLToPath(import.meta.url)
const PACKAGES = '../../crates/bench/peers/node_modules/@durable-streams'

export async function startRival() {
  const dataDir = await mkdtemp(join(tmpdir(), 'df-durable-streams-'))
  const child = fork(SELF, [dataDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  return {
    /** Resolves to the address of a stream of what is at `url`; with `whole` once all of it is stored. */
    async record(url, whole) {
      child.send({ url, whole })
      const [{ stream, error }] = await once(child, 'message')
      if (error) throw new Error(error)
      return stream
    },
    async stop() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

if (process.argv[1] === SELF) await serve(process.argv[2])

async function serve(dataDir) {
  const { DurableStream, IdempotentProducer } = await import(`${PACKAGES}/client/dist/index.js`)
  const { DurableStreamTestServer } = await import(`${PACKAGES}/server/dist/index.js`)
  const base = await new DurableStreamTestServer({ port: 0, host: '127.0.0.1', dataDir, compression: false }).start()
  const failed = (error) => console.error(error)
  let serial = 0

  async function record({ url, whole }) {
    const stream = `${base}/${serial++}`
    const handle = await DurableStream.create({ url: stream, contentType: 'application/octet-stream' })
    const producer = new IdempotentProducer(handle, 'bench', { lingerMs: 5, onError: failed })
    const pump = async () => {
      for await (const chunk of (await fetch(url)).body) {
        producer.append(chunk)
        // It has no backpressure of its own, and what is to be stored whole is long.
        if (whole) await producer.flush()
      }
      await producer.close()
    }
    if (whole) await pump()
    else pump().catch(failed)
    return stream
  }

  process.on('message', (what) => {
    record(what).then(
      (stream) => process.send({ stream }),
      (error) => process.send({ error: String(error?.stack) }),
    )
  })
  process.send({})
}
