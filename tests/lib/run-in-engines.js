// `node ../lib/run-in-engines.js [file…]`, in a folder of tests that use each-engine.js: runs them, and says how many have
// passed in each engine. Fails where a test failed, where one was skipped in a way that powers.js does not know, and where
// an engine has other tests than another.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINES } from './engines.js'

const named = process.argv.slice(2)
const files = named.length > 0 ? named : (await readdir('.')).filter((file) => file.endsWith('.test.js')).sort()
const dir = await mkdtemp(join(tmpdir(), 'durablefetch-engines-'))
const [rowsFile, tapFile] = [join(dir, 'rows'), join(dir, 'tap')]
const reporters = ['spec', 'tap'].map((name) => `--test-reporter=${name}`)
const destinations = ['stdout', tapFile].map((name) => `--test-reporter-destination=${name}`)
const child = spawn(
  process.execPath,
  ['--test', '--test-concurrency=1', ...reporters.flatMap((one, at) => [one, destinations[at]]), ...files],
  { env: { ...process.env, ENGINE_ROWS: rowsFile }, stdio: 'inherit' },
)
const [code] = await once(child, 'exit')
const lines = (await readFile(rowsFile, 'utf8').catch(() => '')).split('\n').filter(Boolean)
const rows = lines.map((line) => JSON.parse(line))
const tap = await readFile(tapFile, 'utf8').catch(() => '')
await rm(dir, { recursive: true, force: true })

const faults = code === 0 ? [] : [`node --test ended with ${code}`]
const skipped = ['skipped', 'todo', 'cancelled'].filter((word) => !tap.includes(`\n# ${word} 0\n`))
if (code === 0 && skipped.length > 0) faults.push(`there are tests that are ${skipped.join(', ')}`)
const nameOf = ({ file, name }) => `${file}: ${name}`
const all = new Set(rows.map(nameOf))
for (const engine of ENGINES) {
  const own = rows.filter((row) => row.engine === engine)
  const passed = own.filter(({ result }) => result === 'passed')
  const cannot = own.filter(({ result }) => result.startsWith('cannot'))
  const names = new Set(own.map(nameOf))
  console.log(`${engine}: ${passed.length} / ${all.size}`)
  for (const row of cannot) console.log(`  ${nameOf(row)} (${row.result})`)
  for (const name of all) if (!names.has(name)) faults.push(`${engine} has no "${name}"`)
  if (passed.length + cannot.length < own.length)
    faults.push(`${own.length - passed.length - cannot.length} failed in ${engine}`)
}
if (all.size === 0) faults.push('no test has run')
for (const fault of faults) console.error(fault)
process.exitCode = faults.length > 0 ? 1 : 0
