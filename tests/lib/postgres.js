// A PostgreSQL of the test's own, in a folder that goes with it. `POSTGRES_BIN` names the folder of its programs.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { within } from './deadline.js'
import { freePort } from './listen.js'

const run = promisify(execFile)
const BIN = process.env.POSTGRES_BIN ?? '/usr/lib/postgresql/15/bin'
const READY = 'database system is ready to accept connections'

/** Its programs refuse to be run by root. */
async function owner() {
  if (process.getuid() !== 0) return {}
  const id = async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

export async function startPostgres() {
  const as = await owner()
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-postgres-'))
  if (as.uid) await chown(dir, as.uid, as.gid)
  const data = join(dir, 'data')
  await run(
    join(BIN, 'initdb'),
    ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--no-sync', '-D', data],
    as,
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'max_connections=200', 'fsync=off']
  const args = ['-D', data, '-p', String(port), '-k', dir, ...settings.flatMap((one) => ['-c', one])]
  const child = spawn(join(BIN, 'postgres'), args, { ...as, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  const ready = new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error(`PostgreSQL has ended:\n${said}`)))
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
      if (said.includes(READY)) resolve()
    })
  })
  await within(30_000, 'PostgreSQL is ready', ready)
  const url = `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`
  return {
    url,
    /** What it answers, one line a row. */
    query: async (sql) => (await run(join(BIN, 'psql'), ['-At', '-c', sql, url])).stdout.trim(),
    async stop() {
      child.kill('SIGQUIT')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dir, { recursive: true, force: true })
    },
  }
}
