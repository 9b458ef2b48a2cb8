// Programs for Windows under wine: what they print, how they end. wine tells a program of SIGINT as a console does of Ctrl-C.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { printed } from '../../lib/printed.js'

const { WINE, WINDOWS_RECORDER } = process.env
/** The first start under wine makes a Windows of its own. */
const PATIENCE_MS = 120_000

/** A folder that wine keeps its Windows in, for one file of tests. */
export async function openWindows() {
  for (const [name, path] of Object.entries({ WINE, WINDOWS_RECORDER })) {
    if (!path) throw new Error(`${name} names no file: run this as cargo xtask test --only windows`)
  }
  const home = await mkdtemp(join(tmpdir(), 'durablefetch-windows-'))
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('DURABLEFETCH_'))
  const env = {
    ...Object.fromEntries(own),
    WINEPREFIX: join(home, 'prefix'),
    WINEDEBUG: '-all',
    // Nothing here is .NET or HTML, which wine offers to install.
    WINEDLLOVERRIDES: 'mscoree=;mshtml=',
  }
  const running = new Set()

  /** Starts the recorder. */
  function start(...args) {
    const child = spawn(WINE, [WINDOWS_RECORDER, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(child)
    once(child, 'close').then(() => running.delete(child))
    return printed(child, args.join(' '), PATIENCE_MS)
  }

  return {
    start,
    run: (...args) => start(...args).ended(),
    /** An empty folder, as Windows and as this system name it. */
    async folder() {
      const path = await mkdtemp(join(home, 'data-'))
      return { path, windows: `Z:${path.replaceAll('/', '\\')}` }
    },
    /** Ends what runs, and wine itself. */
    async close() {
      for (const child of running) child.kill('SIGKILL')
      await once(spawn(join(dirname(WINE), 'wineserver'), ['--kill'], { env, stdio: 'ignore' }), 'close')
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
