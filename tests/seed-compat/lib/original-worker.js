// The worker of durablefetch 0.1.0, exactly as npm has it, on workerd.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import workerd from 'workerd'
import { within } from '../../lib/deadline.js'

// Its package.json has no `exports`, so every file of it can be reached.
const ORIGINAL = fileURLToPath(new URL('../node_modules/original/', import.meta.url))
const CONFIG = fileURLToPath(new URL('../original.capnp', import.meta.url))
const { version: WORKERD } = createRequire(import.meta.url)('workerd/package.json')

/** Starts it with empty storage on a free port. Stopped after the test. */
export async function startOriginalWorker(t) {
  const manifest = JSON.parse(await readFile(join(ORIGINAL, 'package.json'), 'utf8'))
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-original-'))
  await mkdir(join(dir, 'storage'))
  await copyFile(join(ORIGINAL, 'dist/cloudflare.js'), join(dir, 'cloudflare.js'))
  await copyFile(CONFIG, join(dir, 'config.capnp'))
  const child = spawn(
    workerd.default,
    ['serve', 'config.capnp', '--directory-path=storage=storage', '--control-fd=3'],
    {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    },
  )
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await rm(dir, { recursive: true, force: true })
  })
  const lines = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  const listening = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Error(`workerd ended (${signal ?? code}):\n${lines.join('\n')}`)))
    createInterface({ input: child.stdio[3] }).on('line', (line) => {
      const message = JSON.parse(line)
      if (message.event === 'listen') resolve(message.port)
    })
  })
  const port = await within(20_000, 'workerd says where it listens', listening)
  return {
    /** As a host of the client's option. */
    url: `http://localhost:${port}`,
    port,
    versions: `durablefetch ${manifest.version} on workerd ${WORKERD}`,
    output: () => lines.join('\n'),
  }
}
