// The worker of durablefetch 0.1.0, exactly as npm has it, on workerd. Its port is in the line it prints.
import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import workerd from 'workerd'

const CONFIG = new URL('../../../tests/seed-compat/original.capnp', import.meta.url)
const cwd = await mkdtemp(join(tmpdir(), 'df-original-'))
await mkdir(join(cwd, 'storage'))
const worker = fileURLToPath(new URL('node_modules/original/dist/cloudflare.js', import.meta.url))
await copyFile(worker, join(cwd, 'cloudflare.js'))
await copyFile(CONFIG, join(cwd, 'config.capnp'))
const stdio = ['ignore', 'ignore', 'inherit', 'pipe']
const args = ['serve', 'config.capnp', '--directory-path=storage=storage', '--control-fd=3']
const child = spawn(workerd.default, args, { cwd, stdio })
process.on('exit', () => child.kill('SIGKILL'))
process.on('SIGTERM', () => process.exit())
child.on('exit', () => process.exit(1))
createInterface({ input: child.stdio[3] }).on('line', (line) => {
  const { event, port } = JSON.parse(line)
  if (event === 'listen') console.log(`listening on http://127.0.0.1:${port}`)
})
