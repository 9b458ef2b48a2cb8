// Every command that the documentation shows exists, with these flags; what asks a recorder is run against one.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { within } from '../lib/deadline.js'
import { BINARY as RECORDER, startRecorder } from '../lib/recorder.js'
import { at, blocksIn, pages, ROOT } from './lib/pages.js'

const exec = promisify(execFile)
const XTASK = process.env.XTASK_BIN ?? join(ROOT, 'target/debug/xtask')

/** The checks that `cargo xtask test --only` knows. */
const CHECKS = ['checks', 'matrices'].flatMap((file) =>
  [...readFileSync(join(ROOT, `crates/xtask/src/test/${file}.rs`), 'utf8').matchAll(/Check \{\s*name: "([^"]+)"/g)].map(
    ([, name]) => name,
  ),
)

/** Programs of others that are shown with arguments we do not know how to check. */
const OTHERS = [
  'apt-get',
  'chmod',
  'chown',
  'docker',
  'git',
  'kill',
  'install',
  'mkdir',
  'nginx',
  'npx',
  'openssl',
  'podman',
  'sudo',
  'systemctl',
  'systemd-analyze',
  'useradd',
  'wasm-pack',
  'duplicates',
  'tail',
  'journalctl',
  'ss',
  'sysctl',
  'ulimit',
  'cp',
  'curl-exec',
  'echo',
  'ln',
  'rm',
  'ls',
  'export',
  'wrangler',
  'ab',
  'jq',
]

/** Commands of ours that stand in the text. A line may end in them; N is some number, NAME a fuzz target. */
const inline = pages.flatMap(({ file, folder, text }) =>
  [
    ...text
      .replace(/^( *)```.*?^\1```$/gms, (block) => block.replace(/[^\n]/g, ''))
      .matchAll(/`((?:cargo|npm) [^`]+)`/g),
  ].map(({ 1: code, index }) => ({
    file,
    folder,
    line: text.slice(0, index).split('\n').length,
    code: code.replaceAll(/\s+/g, ' ').replaceAll(/\bN\b/g, '1'),
  })),
)

/** Pages whose commands are executed by tests of their own: tests/exposed/logs.test.js. */
const EXECUTED = ['docs/logs.md']

/** The commands of all blocks and texts: `{ words, block }`. */
const commands = [...blocksIn('sh').filter(({ file }) => !EXECUTED.includes(file)), ...inline].flatMap((block) =>
  block.code
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .replace(/^\$ /, '')
        .trim(),
    )
    .filter(Boolean)
    .flatMap((line) => line.split(/\s*(?:&&|\|\||(?<!\|)\|(?!\|)|;)\s*/))
    .map((line) => ({ words: split(line), block }))
    .filter(({ words }) => words.length > 0),
)

/** Words as a shell would have them, without assignments in front. */
function split(line) {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|((?:[^\s'"]|"[^"]*"|'[^']*')+)/g)].map(
    ([, a, b, c]) => a ?? b ?? c,
  )
  while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift()
  return words
}

test('every command of README and docs exists, with its flags', async () => {
  assert.ok(commands.length > 20, 'the commands are found')
  const wrong = await Promise.all(
    commands.map(async ({ words, block }) => {
      try {
        await check(words, block)
        return []
      } catch (error) {
        return [`${at(block)}: ${words.join(' ')}\n    ${String(error.stderr || error.message).trim()}`]
      }
    }),
  )
  assert.deepEqual(wrong.flat(), [])
})

async function check([program, ...args], block) {
  if (program === 'cargo') return checkCargo(args)
  if (program === 'durablefetch') return exec(RECORDER, [...args, '--help'])
  if (program === 'npm') return checkNpm(args, block)
  if (program === 'cd') return assert.ok(there(args[0], block), 'no such folder')
  if (program === 'node')
    return assert.ok(args.some((word) => there(word, block)) || args[0] === '--test', 'no such file')
  if (program === 'curl' || OTHERS.includes(program)) return
  throw new Error('shell.test.js does not know this program')
}

const there = (word, { folder }) => existsSync(resolve(folder, word)) || existsSync(join(ROOT, word))

async function checkCargo([verb, ...args]) {
  if (verb.startsWith('+')) return checkCargo(args)
  if (verb === 'xtask') {
    if (args[0] === 'test' && args.includes('--only'))
      assert.ok(
        CHECKS.some((name) => name.includes(args[args.indexOf('--only') + 1])),
        'no such check',
      )
    return exec(XTASK, [...args, '--help'])
  }
  const rest = args.indexOf('--')
  const own = rest < 0 ? args : args.slice(0, rest)
  const value = (flag) => own[own.indexOf(flag) + 1]
  if (own.includes('-p')) {
    const name = value('-p')
    const manifests = [
      'Cargo.toml',
      ...['protocol', 'server', 'worker', 'conformance', 'xtask', 'bench', 'chaos', 'store-postgres'].map(
        (crate) => `crates/${crate}/Cargo.toml`,
      ),
    ]
    const known = manifests
      .filter((file) => existsSync(join(ROOT, file)))
      .some((file) => readFileSync(join(ROOT, file), 'utf8').includes(`name = "${name}"`))
    assert.ok(known, `no package ${name}`)
  }
  if (own.includes('--path')) assert.ok(existsSync(join(ROOT, value('--path'), 'Cargo.toml')), 'no such crate')
  if (rest >= 0 && own.includes('durablefetch-server') && verb === 'run')
    return exec(RECORDER, [...args.slice(rest + 1), '--help'])
  assert.ok(
    ['build', 'clippy', 'deny', 'doc', 'fmt', 'fuzz', 'install', 'mutants', 'run', 'test', 'bench'].includes(verb),
    `cargo ${verb}?`,
  )
}

async function checkNpm(args, { folder }) {
  const prefix = args.includes('--prefix') ? args[args.indexOf('--prefix') + 1] : undefined
  const place = [folder, ROOT]
    .map((base) => resolve(base, prefix ?? '.', 'package.json'))
    .find((file) => existsSync(file))
  const words = args.filter((word, index) => !word.startsWith('-') && args[index - 1] !== '--prefix')
  const script = { run: words[1], start: 'start', test: 'test' }[words[0]]
  if (script) return assert.ok(JSON.parse(readFileSync(place, 'utf8')).scripts?.[script], `no script ${script}`)
  assert.ok(['ci', 'install', 'i', 'pack'].includes(words[0]), `npm ${words[0]}?`)
}

test('every curl of README and docs that asks a recorder on this machine gets an answer', async (t) => {
  const upstream = createServer((_request, response) => response.end('an answer')).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => upstream.close())
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const asked = commands.filter(
    ({ words }) => words[0] === 'curl' && words.some((word) => word.includes('localhost:8787')),
  )
  assert.ok(asked.length > 0, 'README shows some')
  for (const { words, block } of asked) {
    const args = words
      .slice(1)
      .map((word) =>
        word
          .replaceAll('localhost:8787', `localhost:${recorder.port}`)
          .replaceAll('localhost:3000', `localhost:${upstream.address().port}`),
      )
    const shown = `${at(block)}: ${words.join(' ')}`
    // A stream goes on for longer than anybody waits here: the status is what counts.
    const curl = spawn('curl', [...args, '-s', '-N', '-o', '/dev/null', '-D', '-'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(curl, 'close')
    const [head] = await within(20_000, shown, Promise.race([once(curl.stdout, 'data'), closed]))
    curl.kill()
    await closed
    assert.match(String(head), /^HTTP\/1\.1 2\d\d /, shown)
  }
})
