import assert from 'node:assert/strict'
import { chmod, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../lib/browser.js'
import { startCutProxy } from '../lib/cut-proxy.js'
import { answer, startModel } from '../lib/model.js'
import { serveStatic } from '../lib/static.js'
import { APPS } from '../newcomer/lib/apps.js'
import { reloadInMiddle } from '../newcomer/lib/page.js'
import { filesOf, installations } from '../newcomer/lib/pasted.js'
import { run } from '../runtimes/lib/process.js'
import { nodeOnlyMachine, write } from './lib/machine.js'

const DIST = fileURLToPath(new URL('../../dist', import.meta.url))
const VERSION = /^version = "(.+)"$/m.exec(await readFile(new URL('../../Cargo.toml', import.meta.url), 'utf8'))[1]

/** Asks the app's own API through the recorder, and prints what comes. */
const CLIENT = `
import { DurableFetchClient } from 'durablefetch'
const [durablefetchHost, api, question] = process.argv.slice(2)
const df = new DurableFetchClient({ durablefetchHost })
const messages = [{ id: '1', role: 'user', parts: [{ type: 'text', text: question }] }]
const headers = { 'content-type': 'application/json' }
const response = await df.fetch(api, { method: 'POST', headers, body: JSON.stringify({ messages }) })
process.stdout.write(await response.text())
`

test('README’s lines in a new Vite app, where there is Node and nothing else', { timeout: 1_800_000 }, async (t) => {
  const machine = await nodeOnlyMachine(t)
  const model = await startModel(t)
  const release = await serveStatic(t, DIST)
  const { home } = machine
  const cwd = `${home.inside}/app`

  await t.test('it has no compiler and no recorder', async () => {
    const programs = ['cargo', 'rustc', 'cc', 'gcc', 'python3', 'durablefetch']
    for (const one of programs) {
      await assert.rejects(machine.run('sh', ['-c', `command -v ${one}`], { cwd: '/' }), /Command failed/, one)
    }
    const { stdout } = await machine.run('node', ['--version'], { cwd: '/' })
    t.diagnostic(`Node ${stdout.trim()}`)
  })

  const [program, ...args] = APPS.vite.create('app')
  await machine.run(program, args, { cwd: home.inside, timeout: 600_000 })
  for (const [npm, ...install] of installations(release.url)) {
    await machine.run(npm, [...install, '--no-audit', '--no-fund'], { cwd, timeout: 900_000 })
  }
  await write(`${home.outside}/app`, { ...filesOf(APPS.vite, model.url), 'client.mjs': CLIENT })
  const dev = ['--no', 'durablefetch', 'dev', '--', 'npm', 'run', 'dev']
  const { found, output } = await machine.serve('npx', dev, { cwd, ready: APPS.vite.ready })
  assert.match(output(), /durablefetch: the recorder listens on http:/)
  const app = found[1]

  await t.test('an answer that is cut on its way goes on', async (t) => {
    const proxy = await startCutProxy({ target: { host: 'localhost', port: Number(new URL(app).port) } })
    t.after(() => proxy.stop())
    model.gate.holdAt(40)
    const cut = proxy.cutAfter(1500)
    const asked = machine.run('node', ['client.mjs', `${proxy.url}/df`, `${app}/api/chat`, 'When'], {
      cwd,
      timeout: 120_000,
    })
    await Promise.race([cut, asked])
    model.gate.open()
    const { stdout } = await asked
    const parts = stdout.split('\n').filter((line) => line.startsWith('data: {'))
    const deltas = parts.map((line) => JSON.parse(line.slice('data: '.length)).delta ?? '')
    assert.equal(deltas.join(''), answer('When'))
    assert.equal(model.requests.length, 1, 'the model was asked once')
  })

  await t.test('a page that is reloaded in the middle shows question and answer once', async (t) => {
    const browser = await launchBrowser()
    t.after(() => browser.close())
    const page = await browser.newPage()
    await page.goto(app, { timeout: 240_000, waitUntil: 'networkidle' }) // until it is hydrated
    await page.waitForURL(/\?chat=[\w-]+$/)
    await reloadInMiddle(page, model, answer)
    assert.equal(model.requests.length, 2, 'the model was asked once more')
  })
})

test('the program starts where there is not even a C library', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'durablefetch-nothing-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const program = join(root, 'durablefetch')
  await copyFile(join(DIST, `durablefetch-${VERSION}-${process.platform}-${process.arch}`), program)
  await chmod(program, 0o755)
  const { stdout } = await run('chroot', [root, '/durablefetch', '--version'], {})
  assert.ok(stdout.startsWith(`durablefetch ${VERSION} (`), stdout)
})
