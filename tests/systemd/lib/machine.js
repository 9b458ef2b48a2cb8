// A Debian that systemd has booted, in a container of systemd-nspawn.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BINARY as RECORDER } from '../../lib/recorder.js'

const exec = promisify(execFile)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const ROOT = here('../../../target/systemd/root')
const SUITE = 'bookworm'
const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
const INCLUDED = 'systemd,systemd-sysv,dbus,ca-certificates,curl,iproute2,openssl'
/** How long anything in there may take before the test says what did not happen. */
const PATIENCE = 60_000

/**
 * Boots it. `run(program, …args)` runs a program in there and returns what it prints; `follow` starts one; `write(path, text, mode)`
 * writes a file; `until(what, ask)` asks until that is true.
 */
export async function boot(t) {
  if (!(await exists(ROOT))) await debootstrap()
  const scratch = await mkdtemp(join(tmpdir(), 'durablefetch-systemd-'))
  // What it writes is in memory, so that the next one finds the same system.
  const args = ['--boot', '--quiet', '--volatile=overlay', '--private-network', '--register=no', '--keep-unit']
  const named = ['--console=pipe', `--machine=durablefetch-${process.pid}`, `--directory=${ROOT}`]
  const program = process.env.SYSTEMD_NSPAWN ?? 'systemd-nspawn'
  const nspawn = spawn(program, [...args, ...named], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [nspawn.stdout, nspawn.stderr]) stream.on('data', (data) => (said += data))
  const over = new Promise((resolve) => nspawn.once('exit', resolve))
  t.after(async () => {
    // To nspawn, it is a power failure.
    nspawn.kill('SIGKILL')
    await over
    await rm(scratch, { recursive: true, force: true })
  })
  const alive = () => assert.equal(nspawn.exitCode, null, `systemd-nspawn has ended: ${said}`)

  const leader = await until('systemd runs', async () => {
    alive()
    const children = await readFile(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`, 'utf8').catch(() => '')
    // While it makes the container ready, nspawn has others, and this one has another name.
    for (const child of children.trim().split(' ').filter(Boolean)) {
      const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')
      if (name === 'systemd\n') return child
    }
  })
  const enter = ['--target', leader, '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--']
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LANG: 'C' }
  const run = async (...command) => {
    const options = { env, timeout: PATIENCE, maxBuffer: 1 << 26 }
    return (await exec('nsenter', [...enter, ...command], options)).stdout
  }
  const follow = (...command) => {
    const child = spawn('nsenter', [...enter, ...command], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    return child
  }
  const write = async (path, text, mode = 0o644) => {
    const at = `/proc/${leader}/root${path}`
    await mkdir(dirname(at), { recursive: true })
    await writeFile(at, text)
    await chmod(at, mode)
  }
  await until('it has booted', async () => {
    alive()
    const state = await run('systemctl', 'is-system-running', '--wait').catch((error) => error.stdout ?? '')
    // Some unit or other is not for containers.
    return /^(running|degraded)$/m.test(state)
  })
  const at = `/proc/${leader}/root/usr/local/bin/durablefetch`
  await copyFile(RECORDER, at)
  await chmod(at, 0o755)
  return { run, follow, write, scratch, show: (...names) => show(run, names) }
}

/** Properties of the recorder's unit, by name. */
async function show(run, names) {
  const text = await run('systemctl', 'show', 'durablefetch.service', `--property=${names.join(',')}`)
  const lines = text.trim().split('\n')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** Asks until the answer is one, and returns it. */
export async function until(what, ask) {
  const late = Date.now() + PATIENCE
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    assert.ok(Date.now() < late, `not within ${PATIENCE} ms: ${what}`)
  }
}

/** Under another name until it is whole. */
async function debootstrap() {
  const partly = `${ROOT}.partly`
  await rm(partly, { recursive: true, force: true })
  await mkdir(dirname(ROOT), { recursive: true })
  const args = ['--variant=minbase', `--include=${INCLUDED}`, SUITE, partly, MIRROR]
  await exec(process.env.DEBOOTSTRAP ?? '/usr/sbin/debootstrap', args, { timeout: 1_200_000, maxBuffer: 1 << 26 })
  await rename(partly, ROOT)
}

const exists = (path) =>
  stat(path).then(
    () => true,
    () => false,
  )
