// docs/frameworks.md: each recipe built by its framework's own tools, and reloaded in the middle of an answer.
import assert from 'node:assert/strict'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '../lib/browser.js'
import { answer, startModel } from '../lib/model.js'
import { run } from '../runtimes/lib/process.js'
import { assertOurs, tarball } from '../runtimes/lib/tarball.js'
import { startApp } from './lib/app.js'
import { blocksOf } from '../lib/blocks.js'

const page = blocksOf('docs/frameworks.md')
/** Kept between runs: what is installed is large. */
const WORK = process.env.GUIDES_WORK ?? fileURLToPath(new URL('../../target/guides', import.meta.url))
const SOURCES = fileURLToPath(new URL('./frameworks', import.meta.url))

const shared = ['chat-id.js', 'chat.js']
const RECIPES = {
  vue: { title: 'Vue', files: ['App.vue'], also: ['chat-id.js'], uses: 'vue' },
  svelte: { title: 'Svelte', files: ['App.svelte'], also: ['chat-id.js'], uses: 'svelte' },
  solid: { title: 'Solid', files: ['App.jsx'], also: shared, uses: 'solid-js' },
  angular: { title: 'Angular', files: ['app.ts'], also: shared, uses: '@angular/core' },
  qwik: { title: 'Qwik', into: 'src', files: ['App.jsx'], also: shared, uses: '@builder.io/qwik' },
}

/** The project with the page's files in it, installed and built. Resolves with its folder. */
async function build(name, { title, into = '.', files, also }) {
  const dir = join(WORK, name)
  await mkdir(dir, { recursive: true })
  await cp(join(SOURCES, name), dir, { recursive: true })
  for (const file of files) await writeFile(join(dir, into, file), page.section(title).file(file))
  for (const file of also) await writeFile(join(dir, into, file), page.file(file))
  const { file } = await tarball()
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', file], { cwd: dir, timeout: 900_000 })
  await assertOurs(dir)
  // Angular's needs a newer Node than the oldest that we support: npm's package `node` has it.
  const PATH = [join(dir, 'node_modules/.bin'), join(dir, 'node_modules/node/bin'), process.env.PATH].join(delimiter)
  await run('npm', ['run', 'build'], { cwd: dir, env: { PATH }, timeout: 600_000 })
  return dir
}

/** `[role, text]` of each message that the page shows. */
const shown = () =>
  [...document.querySelectorAll('p.user, p.assistant')].map((p) => [p.className.split(' ')[0], p.textContent.trim()])

async function shows(tab, messages) {
  const expected = messages.map(([role, text]) => [role, text.trim()])
  const same = `JSON.stringify((${shown})()) === ${JSON.stringify(JSON.stringify(expected))}`
  try {
    await tab.waitForFunction(same, undefined, { timeout: 30_000 })
  } catch (error) {
    assert.deepEqual(await tab.evaluate(shown), expected, error.message)
    throw error
  }
}

const major = (version) => Number(version.match(/\d+/)[0])

test('the versions of the bindings that the pages name belong to this version of ai', async () => {
  const [, ...row] = /^\| 7 \| (\d) \| (\d) \| (\d) \|$/m.exec(blocksOf('docs/ai-sdk.md').text)
  for (const [index, name] of ['react', 'vue', 'svelte'].entries()) {
    const asked = [`@ai-sdk/${name}@${row[index]}`, 'dependencies.ai', '--json']
    const { stdout } = await run('npm', ['view', ...asked], { cwd: SOURCES })
    assert.deepEqual([...new Set([JSON.parse(stdout)].flat().map(major))], [7], name)
  }
  for (const name of ['vue', 'svelte']) {
    const words = page.command(`npm install ./durablefetch-0.3.0.tgz ai@7 @ai-sdk/${name}`)
    assert.equal(words.at(-1), `@ai-sdk/${name}@${row[['react', 'vue', 'svelte'].indexOf(name)]}`)
  }
})

for (const [name, recipe] of Object.entries(RECIPES)) {
  test(`${recipe.title}: the question stays, and the answer goes on after a reload`, async (t) => {
    const dir = await build(name, recipe)
    const model = await startModel(t)
    const app = await startApp(t, { files: { '/': { dir: join(dir, 'dist') } }, proxied: { '/api/chat': model.url } })
    const browser = await launchBrowser()
    t.after(() => browser.close())
    const tab = await browser.newPage()
    const complaints = []
    tab.on('pageerror', (error) => complaints.push(error.message))
    tab.on('console', (message) => {
      const ofOurs = !message.location().url.endsWith('/favicon.ico')
      if (message.type() === 'error' && ofOurs) complaints.push(message.text())
    })
    const ask = async (question) => {
      await tab.getByPlaceholder('Say something…').fill(question)
      await tab.getByRole('button', { name: 'Send' }).click()
    }

    await tab.goto(app.url)
    model.gate.holdAt(40)
    await ask('Why')
    const half = [
      ['user', 'Why'],
      ['assistant', answer('Why', 40)],
    ]
    const whole = [
      ['user', 'Why'],
      ['assistant', answer('Why')],
    ]
    await shows(tab, half)
    await tab.reload()
    await shows(tab, half)
    model.gate.open()
    await shows(tab, whole)
    await tab.reload()
    await shows(tab, whole)

    model.gate.holdAt(30)
    await ask('How')
    const stopped = [...whole, ['user', 'How'], ['assistant', answer('How', 30)]]
    await shows(tab, stopped)
    await tab.getByRole('button', { name: 'Stop' }).click()
    await model.until(1, 'hung up')
    model.gate.open()
    await tab.reload()
    await shows(tab, stopped)
    assert.equal(model.requests.length, 2, 'each question reached the model once')
    assert.deepEqual(complaints, [], 'nothing in the console')
    const { version } = JSON.parse(await readFile(join(dir, 'node_modules', recipe.uses, 'package.json'), 'utf8'))
    t.diagnostic(`${recipe.uses} ${version}`)
  })
}
