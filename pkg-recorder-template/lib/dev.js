// @ts-check
// `durablefetch dev`: a recorder and a command, from one start to one end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { SetupError } from './binary.cjs'
import { say } from './project.js'
import { isForPeople, run } from './recorder.cjs'
import { dataOf } from './shared.js'

const USAGE = `Run a command beside a recorder, and end both together.

Usage: durablefetch dev [FLAGS] [--] COMMAND [ARGUMENTS]

The command gets DURABLEFETCH_URL, the address of the recorder, in its environment. FLAGS are those of \`durablefetch serve\`;
write a flag and its value as one word (--allow=http://localhost:4000/), or put -- before the command.

Example: durablefetch dev -- npm run dev
`
/** The one that README's examples have. */
const PORT = 8787

/** @param {string[]} args */
export async function dev(args) {
  const { flags, command } = split(args)
  if (command.length === 0 || flags.includes('--help') || flags.includes('-h')) {
    process.stdout.write(USAGE)
    process.exitCode = command.length === 0 && flags.length === 0 ? 2 : 0
    return
  }
  const listen = named(flags, '--listen') ? [] : ['--listen', `127.0.0.1:${await port()}`]
  const data = named(flags, '--data') ? [] : ['--data', dataOf(process.cwd())]
  const recorder = await run({
    flags: [...data, ...listen, ...flags],
    onLine: (line) => isForPeople(line) && say(line),
  })
  say(`the recorder listens on ${recorder.url}`)
  process.exitCode = await both(recorder, command)
}

/** What is before the command. @param {string[]} args */
function split(args) {
  const dashes = args.indexOf('--')
  const first = args.findIndex((word) => !word.startsWith('-'))
  if (dashes >= 0 && (first < 0 || dashes < first || args[0]?.startsWith('-'))) {
    return { flags: args.slice(0, dashes), command: args.slice(dashes + 1) }
  }
  const end = first < 0 ? args.length : first
  return { flags: args.slice(0, end), command: args.slice(end) }
}

/** @param {string[]} flags @param {string} name */
const named = (flags, name) => flags.some((flag) => flag === name || flag.startsWith(`${name}=`))

/** 8787 if it is free, else any. */
async function port() {
  const probe = createServer()
  try {
    probe.listen(PORT, '127.0.0.1')
    await once(probe, 'listening')
    return PORT
  } catch {
    const whose = (await isRecorder()) ? 'another recorder' : 'another program'
    say(`${whose} listens on port ${PORT}, so the recorder takes a free one`)
    return 0
  } finally {
    probe.close()
  }
}

async function isRecorder() {
  try {
    const answer = await fetch(`http://127.0.0.1:${PORT}/`, { signal: AbortSignal.timeout(1000) })
    await answer.body?.cancel()
    return [...answer.headers.keys()].some((name) => name.startsWith('durablefetch-'))
  } catch {
    return false
  }
}

/**
 * Runs the command until it ends, and then ends the recorder. Resolves to the command's exit code.
 * @param {import('./recorder.cjs').Running} recorder
 * @param {string[]} command
 */
async function both(recorder, [program = '', ...args]) {
  const isWindows = process.platform === 'win32'
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...process.env, DURABLEFETCH_URL: recorder.url },
    // npm and the like are scripts there, which only a shell starts.
    shell: isWindows,
  })
  // The terminal tells the command of Ctrl-C by itself; what ends is up to it, however often it is told.
  process.on('SIGINT', () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
  recorder.ended.then((why) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    say(`the recorder ended, and so does the command: ${why}`)
    child.kill('SIGTERM')
  })
  try {
    const [code, signal] = await once(child, 'exit')
    return code ?? 128 + numberOf(signal)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    const why = code === 'ENOENT' ? 'PATH has no command of that name' : message
    throw new SetupError(`cannot start ${program}: ${why}`)
  } finally {
    await recorder.stop()
  }
}

/** @param {NodeJS.Signals} signal */
function numberOf(signal) {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }
  return numbers[/** @type {keyof typeof numbers} */ (signal)] ?? 1
}
