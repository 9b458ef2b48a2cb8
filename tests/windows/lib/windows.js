// The program for Windows under wine, which tells it of SIGINT as a console does of Ctrl-C.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openForeignRecorder } from '../../lib/foreign-recorder.js'

const { WINE, WINDOWS_RECORDER } = process.env
/** The first start under wine makes a Windows of its own. */
const PATIENCE_MS = 120_000

/** A folder that wine keeps its Windows in, for one file of tests. */
export async function openWindows() {
  for (const [name, path] of Object.entries({ WINE, WINDOWS_RECORDER })) {
    if (!path) throw new Error(`${name} names no file: run this as cargo xtask test --only windows`)
  }
  const home = await mkdtemp(join(tmpdir(), 'durablefetch-windows-'))
  const foreign = await openForeignRecorder({
    command: [WINE, WINDOWS_RECORDER],
    env: {
      WINEPREFIX: join(home, 'prefix'),
      WINEDEBUG: '-all',
      // Nothing here is .NET or HTML, which wine offers to install.
      WINEDLLOVERRIDES: 'mscoree=;mshtml=',
    },
    patienceMs: PATIENCE_MS,
  })
  return {
    ...foreign,
    serve: (data, ...flags) => foreign.serve(data.windows, ...flags),
    /** An empty folder, as Windows and as this system name it. */
    async folder() {
      const path = await mkdtemp(join(home, 'data-'))
      return { path, windows: `Z:${path.replaceAll('/', '\\')}` }
    },
    /** Ends what runs, and wine itself. */
    async close() {
      await foreign.close()
      const ended = spawn(join(dirname(WINE), 'wineserver'), ['--kill'], { env: foreign.variables, stdio: 'ignore' })
      await once(ended, 'close')
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
