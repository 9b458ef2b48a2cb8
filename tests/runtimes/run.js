// `node run.js [word]`: the runtimes whose file name contains the word, one after another, and the table of results.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { path, WORK } from './lib/places.js'
import { sameSupport, supportPage } from './lib/support.js'
import { tarball } from './lib/tarball.js'

const [word = ''] = process.argv.slice(2)
const folder = new URL('.', import.meta.url)
const files = (await readdir(folder)).filter((file) => file.endsWith('.test.js') && file.includes(word)).sort()
if (files.length === 0) {
  console.error(`no test file here has "${word}" in its name`)
  process.exit(1)
}

await mkdir(WORK, { recursive: true })
const rowsFile = join(WORK, 'rows.jsonl')
await rm(rowsFile, { force: true })
const packed = await tarball()
console.log(`durablefetch ${packed.version}, ${packed.files.length} files`)

const child = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], {
  cwd: folder,
  env: { ...process.env, RUNTIMES_ROWS: rowsFile, RUNTIMES_TARBALL: JSON.stringify(packed) },
  stdio: 'inherit',
})
const [code] = await once(child, 'exit')

const rows = (await readFile(rowsFile, 'utf8').catch(() => ''))
  .trim()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
const table = [
  '| executed | with | result | s |',
  '|---|---|---|---:|',
  ...rows.map((row) => `| ${row.name} | ${row.versions} | ${row.result} | ${row.seconds.toFixed(1)} |`),
].join('\n')
await writeFile(join(WORK, 'table.md'), `${table}\n`)
console.log(`\n${table}`)
// A file that could not even be loaded has no row: the exit code of `node --test` knows of it.
if (code !== 0) process.exit(code ?? 1)

// Only a run of everything can tell what is supported.
if (!word) {
  const file = path('../../../docs/support.md')
  const page = await supportPage(rows)
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (process.env.WRITE || known === undefined) {
    await writeFile(file, page)
    console.log('\nwrote docs/support.md')
  } else if (!sameSupport(page, known)) {
    console.error('\ndocs/support.md says something else than this run: npm run write --prefix tests/runtimes')
    process.exit(1)
  }
}
