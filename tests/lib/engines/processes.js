// What a program consists of.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** This process and all below it. */
export async function processesOf(pid) {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const found = [pid]
  // It grows while it is gone through.
  for (const parent of found) found.push(...all.filter(([, of]) => of === parent).map(([child]) => child))
  return found
}
