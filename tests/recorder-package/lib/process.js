// Programs under test: what they print, how they end, and whether a recorder is still there.
import { spawn } from 'node:child_process'
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { within } from '../../lib/deadline.js'
import { printed } from '../../lib/printed.js'
import { BINARY } from '../../lib/recorder.js'

export const TEMPLATE = fileURLToPath(new URL('../../../pkg-recorder-template', import.meta.url))
export const LAUNCHER = join(TEMPLATE, 'bin/durablefetch.cjs')
/** Nothing here takes that long. */
const PATIENCE_MS = 30_000

/** The tests' environment without variables that the package reads, and with the recorder under test. */
export function environment(more = {}) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('DURABLEFETCH_'))
  return { ...Object.fromEntries(own), DURABLEFETCH_BINARY: BINARY, ...more }
}

/** A program that runs. It is gone after the test. */
export function start(t, program, args, { env = environment(), cwd, detached = false } = {}) {
  const child = spawn(program, args, { env, cwd, detached, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return printed(child, `${program} ${args.join(' ')}`, PATIENCE_MS)
}

/** The launcher, or what else is an entry of Node's. */
export const startNode = (t, args, options) => start(t, process.execPath, args, options)

/** Runs the launcher to its end. */
export const launch = (t, args, options) => startNode(t, [LAUNCHER, ...args], options).ended()

/** Resolves once nothing listens at this address any more. */
export function untilGone(url) {
  const gone = async () => {
    // Asked again: no event tells of the end of somebody else's process.
    while (await answers(url)) await new Promise(setImmediate)
  }
  return within(PATIENCE_MS, `${url} is gone`, gone())
}

export async function answers(url) {
  try {
    await (await fetch(url)).text()
    return true
  } catch {
    return false
  }
}

/** An empty folder for one test. */
export async function folder(t) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-package-'))
  t.after(async () => {
    await chmod(dir, 0o700)
    await rm(dir, { recursive: true, force: true })
  })
  return dir
}

/** A copy of the package, to be broken. */
export async function copyOfPackage(t) {
  const dir = await folder(t)
  await cp(TEMPLATE, dir, { recursive: true })
  return dir
}
