// The five questions of docs/logs.md: its commands, run on the log of a recorder to which these things have happened.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { within } from '../lib/deadline.js'
import { listen } from '../lib/listen.js'
import { logLines } from '../lib/log-lines.js'
import { startRecorder } from '../lib/recorder.js'

const JQ = process.env.JQ
const PAGE = fileURLToPath(new URL('../../docs/logs.md', import.meta.url))
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const ALICE = { cookie: 'sid=alice' }

let lines
let commands

before(async () => {
  assert.ok(JQ, 'JQ names the program; `cargo xtask test --only "behind nginx"` installs it')
  const recorder = await startRecorder({ flags: ['--log-format', 'json', '--scope-by', 'cookie:sid'] })
  const upstream = await listen(
    createServer((request, response) =>
      request.url === '/fails' ? response.writeHead(500).end('no') : response.end('an answer'),
    ),
  )
  const at = (path) => `http://127.0.0.1:${upstream.port}${path}`
  const ask = async (url, headers) =>
    (await fetch(recorder.url, { headers: { 'durablefetch-url': url, ...ALICE, ...headers } })).text()
  await ask(at('/answers'), {})
  await ask(at('/fails'), { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` })
  await ask(at('/answers'), { origin: 'https://app.example' })
  const body = JSON.stringify({ url: at('/answers') })
  await fetch(`${recorder.url}/delete`, { method: 'POST', headers: ALICE, body })
  const all = () => logLines(recorder)
  const are = (message, count) => all().filter((line) => line.message === message).length >= count
  const written = async () => {
    // No event tells of a line.
    while (!are('answered', 4) || !are('ended', 2)) await new Promise((resolve) => setImmediate(resolve))
  }
  await within(10_000, 'the lines are written', written())
  lines = all()
  upstream.stop()
  await recorder.stop()
  commands = [...(await readFile(PAGE, 'utf8')).matchAll(/^```sh\n(.+)\n```$/gm)].map(([, command]) => command)
})

/** Runs a command of the page where `recorder.log` is, with these texts in place of the examples. */
async function run(number, ...replaced) {
  const folder = await mkdtemp(join(tmpdir(), 'durablefetch-logs-'))
  try {
    await writeFile(join(folder, 'recorder.log'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    let command = commands[number]
    for (const [example, text] of replaced) {
      assert.ok(command.includes(example), command)
      command = command.replace(example, text)
    }
    const script = `set -euo pipefail; jq() { "${JQ}" "$@"; }; ${command}`
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, `${command}: ${stderr}`)
    return stdout.trim().split('\n')
  } finally {
    await rm(folder, { recursive: true })
  }
}

const first = (message) => lines.find((line) => line.message === message)

test('the page has five questions', () => assert.equal(commands.length, 5))

test('why did an answer fail at 14:03?', async () => {
  const failed = lines.find((line) => line.message === 'ended' && line.level === 'WARN')
  const [line, ...more] = await run(0, ['T14:03', failed.timestamp.slice(10, 16)])
  assert.deepEqual(more, [])
  const { url, scope, end, upstream_status } = JSON.parse(line)
  assert.match(url, /\/fails$/)
  assert.deepEqual([scope, end, upstream_status], [failed.scope, 'passed-through', 500])
})

test('what became of this request of ours?', async () => {
  const told = (await run(1)).map((line) => JSON.parse(line))
  assert.deepEqual(told.map(({ message, end }) => [message, end]).sort(), [
    ['answered', 'whole'],
    ['ended', 'passed-through'],
    ['started', null],
  ])
})

test('what did this person see today?', async () => {
  const told = await run(2, ['9f86d081884c7d65', first('ended').scope])
  const statuses = told.map((line) => JSON.parse(line)[1]).sort()
  // Two answers, and what became of the call to delete. Who was refused is nobody.
  assert.deepEqual(statuses, [200, 200, 500])
})

test('who deleted that recording?', async () => {
  const { recording } = first('removed: it was deleted')
  const told = (await run(3, ['01JD3Q7Y8ZK4N5P6R7S8T9V0WX', recording])).map((line) => JSON.parse(line))
  const messages = told.map(([, message]) => message)
  assert.deepEqual(messages.sort(), ['answered', 'ended', 'removed: it was deleted', 'started'])
  const removed = told.find(([, message]) => message.startsWith('removed'))
  assert.equal(removed[2], first('asked to delete').scope)
})

test('which flag did we forget?', async () => {
  const [line, ...more] = await run(4)
  assert.deepEqual(more, [])
  assert.match(line, /^forbidden-origin: refused: .*--origin https:\/\/app\.example/)
})
