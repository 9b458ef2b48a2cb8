// The worker of durablefetch 0.1.0, exactly as npm has it, on workerd. Its port is in the line it prints.
import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import workerd from 'workerd'

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .original),
    (name = "storage", disk = (path = "storage", writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const original :Workerd.Worker = (
  modules = [(name = "cloudflare.js", esModule = embed "cloudflare.js")],
  # Of the time of its release.
  compatibilityDate = "2025-06-01",
  durableObjectNamespaces = [(className = "DurableFetch", uniqueKey = "durablefetch")],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [(name = "DURABLE_FETCH", durableObjectNamespace = "DurableFetch")],
  globalOutbound = "internet",
);
`

const cwd = await mkdtemp(join(tmpdir(), 'df-original-'))
await mkdir(join(cwd, 'storage'))
const worker = fileURLToPath(new URL('node_modules/original/dist/cloudflare.js', import.meta.url))
await copyFile(worker, join(cwd, 'cloudflare.js'))
await writeFile(join(cwd, 'config.capnp'), CONFIG)
const stdio = ['ignore', 'ignore', 'inherit', 'pipe']
const child = spawn(workerd.default, ['serve', 'config.capnp', '--control-fd=3'], { cwd, stdio })
process.on('exit', () => child.kill('SIGKILL'))
process.on('SIGTERM', () => process.exit())
child.on('exit', () => process.exit(1))
createInterface({ input: child.stdio[3] }).on('line', (line) => {
  const { event, port } = JSON.parse(line)
  if (event === 'listen') console.log(`listening on http://127.0.0.1:${port}`)
})
