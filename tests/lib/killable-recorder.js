// A recorder that a test kills, and starts again with what it had, or one that is not this version's: as a child process on a
// free port. With E2E_RECORDER=worker it is the one for Durable Objects, on workerd (`cargo xtask worker --build` makes it);
// with E2E_RECORDER=cluster there are three over one PostgreSQL, behind nginx.
// A test that needs none of that has lib/recorder.js.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { within } from './deadline.js'
import { BINARY } from './recorder.js'

const KIND = process.env.E2E_RECORDER ?? 'native'
const WORKER = fileURLToPath(new URL('../../crates/worker/', import.meta.url))
// What the native recorder prints, and what workerd writes to its control file.
const LISTENING = /listening on https?:\/\/127\.0\.0\.1:(\d+)|"event":"listen".*"port":(\d+)/

/**
 * `args`: more flags of `durablefetch serve`. `binary`: another one, of another version. `data`: a folder of the test's own in place
 * of one that goes with the recorder.
 */
export async function startKillableRecorder({ args = [], binary = BINARY, data: own, kind = KIND } = {}) {
  if (kind === 'cluster') return startKillableCluster(args)
  const data = own ?? (await mkdtemp(join(tmpdir(), 'durablefetch-e2e-')))
  const launch = (from, port, program) => launchAs(kind, from, port, args, program)
  let running = await launch(data, 0, binary)
  return {
    /** Stays the same across `restart`. */
    port: running.port,
    url: `http://localhost:${running.port}`,
    /** What it has printed so far, for a failing test to show. */
    output: () => running.output(),
    /**
     * Resolves once what has come in so far is in the files, where a kill does not reach it. To false where nobody outside
     * can tell: the worker has no metrics.
     */
    async untilWritten() {
      if (kind === 'worker') return false
      const unwritten = () => metric(running.port, 'durablefetch_unwritten_bytes')
      const reached = async () => {
        // Asked again: no event tells of it.
        for (let left = await unwritten(); left !== 0; left = await unwritten()) {
          if (Number.isNaN(left)) throw new Error('/metrics says nothing of unwritten bytes')
        }
      }
      await within(10_000, 'everything is written', reached())
      return true
    },
    /** kill -9. Resolves when the process is gone. */
    kill: () => end(running.child, 'SIGKILL'),
    /** As a service manager ends it. Resolves when the process is gone. */
    terminate: () => end(running.child, 'SIGTERM'),
    /** Has it read its settings again. */
    hangUp: () => running.child.kill('SIGHUP'),
    /** Starts it, or another one, again on the same port with the same data, or with that of another folder. */
    async restart(next = binary, { from = data } = {}) {
      running = await launch(from, running.port, next)
    },
    async stop() {
      await this.kill()
      if (!own) await rm(data, { recursive: true, force: true })
    },
  }
}

/** A number of `/metrics`. */
async function metric(port, name) {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'm').exec(metrics)?.[1])
}

/** The same of three: all are killed, and started again. */
async function startKillableCluster(args) {
  const { startCluster } = await import('./cluster.js')
  const cluster = await startCluster({ flags: args })
  const all = (what) => Promise.all(cluster.nodes.map(what))
  let before = 0
  const inStore = async () =>
    Number(await cluster.postgres.query('select coalesce(sum(length(bytes)), 0) from df.pieces'))
  /** Of upstreams, since they were started. */
  const cameIn = async () => {
    const told = await all((node) => metric(node.port, 'durablefetch_upstream_bytes_total'))
    return told.reduce((sum, bytes) => sum + bytes, 0)
  }
  return {
    port: cluster.port,
    url: cluster.url,
    output: () => cluster.nodes.map((node) => node.output()).join('\n'),
    /** What is in their files does not outlast them: what came in has to be in the database. */
    async untilWritten() {
      const reached = async () => {
        while ((await inStore()) < before + (await cameIn())) {}
      }
      await within(10_000, 'everything is in the database', reached())
      return true
    },
    kill: () => all((node) => node.kill()),
    terminate: () => all((node) => node.terminate()),
    hangUp: () => all((node) => node.hangUp()),
    async restart() {
      before = await inStore()
      await all((node) => node.restart())
    },
    stop: () => cluster.stop(),
  }
}

async function end(child, signal) {
  child.kill(signal)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** The program and its arguments. `args` are flags of the native recorder. */
function command(kind, data, port, args, binary) {
  const listen = `127.0.0.1:${port}`
  switch (kind) {
    case 'native':
      return [binary, 'serve', '--listen', listen, '--data', data, ...args]
    case 'worker': {
      if (args.length > 0) throw new Error(`the worker has no flags: ${args.join(' ')}`)
      const serve = ['serve', `${WORKER}workerd.capnp`, '--socket-addr', `http=${listen}`, '--control-fd=1']
      return [`${WORKER}tools/node_modules/workerd/bin/workerd`, ...serve, '--directory-path', `storage=${data}`]
    }
    default:
      throw new Error(`E2E_RECORDER is native, worker or cluster, not ${kind}`)
  }
}

async function launchAs(kind, data, port, args, binary) {
  const [program, ...rest] = command(kind, data, port, args, binary)
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = []
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
  const listening = new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`cannot start ${program}: ${error.message}`)))
    child.on('exit', (code, signal) =>
      reject(new Error(`the recorder ended (${signal ?? code}):\n${lines.join('\n')}`)),
    )
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line)
      const found = LISTENING.exec(line)
      if (found) resolve(Number(found[1] ?? found[2]))
    })
  })
  const actual = await within(20_000, 'the recorder says where it listens', listening)
  return { child, port: actual, output: () => lines.join('\n') }
}
