import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../lib/browser.js'
import { serveStatic } from '../lib/static.js'
import { run, serve } from '../runtimes/lib/process.js'
import { assertOurs } from '../runtimes/lib/tarball.js'
import { APPS } from './lib/apps.js'
import { answer, startModel } from '../lib/model.js'
import { ask, reloadInMiddle, shown, untilShown } from './lib/page.js'
import { filesOf, installations } from './lib/pasted.js'

/** A new app with README's packages and files in it. */
async function newApp(t, parent, app, model) {
  const [program, ...args] = app.create('app')
  await run(program, args, { cwd: parent })
  const dir = join(parent, 'app')
  const release = await serveStatic(t, fileURLToPath(new URL('../../dist', import.meta.url)))
  for (const [npm, ...install] of installations(release.url)) {
    await run(npm, [...install, '--no-audit', '--no-fund', '--prefer-offline'], { cwd: dir, timeout: 600_000 })
  }
  await assertOurs(dir)
  for (const [name, text] of Object.entries(filesOf(app, model.url))) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
  return dir
}

for (const [name, app] of Object.entries(APPS)) {
  test(`the first hour with ${name}`, { timeout: 900_000 }, async (t) => {
    const parent = await mkdtemp(join(tmpdir(), 'durablefetch-newcomer-'))
    t.after(() => rm(parent, { recursive: true, force: true, maxRetries: 5 }))
    // In a test of its own, since what it starts has to be gone before the folder goes.
    await t.test("README's lines in a new app", (t) => firstHour(t, parent, name, app))
  })
}

async function firstHour(t, parent, name, app) {
  const started = performance.now()
  const model = await startModel(t)
  const dir = await newApp(t, parent, app, model)
  const bin = (program) => join(dir, 'node_modules/.bin', program)
  const [dev, ...flags] = app.dev
  const { found } = await serve(t, bin(dev), flags, { cwd: dir, ready: app.ready })

  const browser = await launchBrowser()
  t.after(() => browser.close())
  const page = await browser.newPage()
  const complaints = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // The empty template has no icon.
    const ofOurs = !message.location().url.endsWith('/favicon.ico')
    if (message.type() === 'error' && ofOurs) complaints.push(message.text())
  })
  await page.goto(found[1], { timeout: 240_000, waitUntil: 'networkidle' }) // until it is hydrated
  await page.waitForURL(/\?chat=[\w-]+$/)
  await page.waitForLoadState('networkidle')

  await t.test('a reload in the middle of an answer: question and answer are there once', async () => {
    await reloadInMiddle(page, model, answer)
    await page.reload()
    await untilShown(page, [
      ['user', 'Why'],
      ['assistant', answer('Why')],
    ])
    t.diagnostic(`${name}: ${Math.round((performance.now() - started) / 1000)} s from nothing to here`)
  })

  await t.test('an answer that ends while nobody looks is there afterwards', async () => {
    model.gate.holdAt(20)
    await ask(page, 'How')
    const before = [
      ['user', 'Why'],
      ['assistant', answer('Why')],
      ['user', 'How'],
    ]
    await untilShown(page, [...before, ['assistant', answer('How', 20)]])
    const address = page.url()
    await page.goto('about:blank')
    model.gate.open()
    await model.until(1, 'finished')
    await page.goto(address)
    await untilShown(page, [...before, ['assistant', answer('How')]])
  })

  await t.test('Stop ends the answer at the model, and stays stopped over a reload', async () => {
    model.gate.holdAt(30)
    await ask(page, 'When')
    const part = ['assistant', answer('When', 30)]
    const last = async () => (await shown(page)).at(-1)
    await page.getByText('word29 of When. ').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await model.until(2, 'hung up')
    model.gate.open()
    await page.reload()
    await page.getByText('word29 of When. ').waitFor()
    assert.deepEqual(await last(), part)
  })

  assert.deepEqual(
    model.requests.map(({ method }) => method),
    ['POST', 'POST', 'POST'],
    'each question reached the model once',
  )
  assert.deepEqual(complaints, [], 'nothing in the console')

  await t.test('Stop without a network is a warning, and no unhandled rejection', async () => {
    await page.context().setOffline(true)
    const warned = page.waitForEvent('console', { predicate: (one) => one.type() === 'warning', timeout: 60_000 })
    await page.getByRole('button', { name: 'Stop' }).click()
    assert.match((await warned).text(), /^DurableFetchError/)
    assert.deepEqual(
      // Chromium itself lists each connection that it could not make.
      complaints.filter((text) => !/Failed to load resource|ERR_INTERNET_DISCONNECTED/.test(text)),
      [],
    )
  })

  await t.test('it builds, under the strict types of the template', async () => {
    await run('npm', ['run', 'build'], { cwd: dir })
  })
  const { version } = JSON.parse(await readFile(join(dir, 'node_modules', app.uses, 'package.json'), 'utf8'))
  t.diagnostic(`${app.uses} ${version}: the hour took ${Math.round((performance.now() - started) / 1000)} s in all`)
}
