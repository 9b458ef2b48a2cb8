// What is neither code nor a command parses, and what is pointed at is there.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse as parseToml } from 'smol-toml'
import { at, blocksIn, pages, ROOT } from './lib/pages.js'

const LANGUAGES = [
  'ts',
  'tsx',
  'js',
  'jsx',
  'diff',
  'sh',
  'json',
  'jsonc',
  'toml',
  'ini',
  'nginx',
  'text',
  'http',
  'rust',
  'html',
  'yaml',
  'dockerfile',
  'caddyfile',
  'haproxy',
  'vue',
  'svelte',
]

test('every block names a language that is known here', () => {
  const wrong = pages
    // Normative text, with tables of addresses in its one block.
    .filter(({ file }) => file !== 'PROTOCOL.md')
    .flatMap(({ blocks }) => blocks.filter(({ language }) => !LANGUAGES.includes(language)))
  assert.deepEqual(
    wrong.map((block) => `${at(block)}: "${block.language}"`),
    [],
  )
})

test('JSON and TOML parse', () => {
  for (const block of blocksIn('json', 'jsonc', 'toml')) {
    const code =
      block.language === 'jsonc'
        ? block.code.replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, '').replace(/,(\s*[\]}])/g, '$1')
        : block.code
    assert.doesNotThrow(() => (block.language === 'toml' ? parseToml(code) : JSON.parse(code)), at(block))
  }
})

test('units of systemd are sections, keys with values, and comments', () => {
  for (const block of blocksIn('ini')) {
    const wrong = block.code.split('\n').filter((line) => !/^(\[\w+\]|[A-Z]\w*=.*|#.*|)$/.test(line))
    assert.deepEqual(wrong, [], at(block))
  }
})

test('the versions of ai and its bindings that docs/ai-sdk.md puts together are those that tests/users runs', () => {
  const { text } = pages.find(({ file }) => file === 'docs/ai-sdk.md')
  const named = [...text.matchAll(/^\| (\d) \| (\d) \| \d \| \d \|$/gm)].map(([, ai, react]) => `${ai} ${react}`)
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'tests/users/package-lock.json'), 'utf8'))
  const major = (version) => version.split('.')[0]
  const installed = Object.values(packages)
    .filter(({ name }) => name === '@ai-sdk/react')
    .map(({ version, dependencies }) => `${major(dependencies.ai)} ${major(version)}`)
  assert.equal(installed.length, 3)
  assert.deepEqual(named.sort(), installed.sort())
})

test('what CONTRIBUTING shows of the code stands there, and every path that it names exists', () => {
  const contributing = pages.find(({ file }) => file === 'CONTRIBUTING.md')
  const plain = (text) => text.replaceAll(/\s+/g, ' ').trim()
  const cases = readdirSync(join(ROOT, 'crates/conformance/src/cases')).map((file) =>
    readFileSync(join(ROOT, 'crates/conformance/src/cases', file), 'utf8'),
  )
  const excerpts = contributing.blocks.filter(({ language }) => language === 'rust')
  assert.ok(excerpts.length > 0)
  for (const block of excerpts)
    assert.ok(
      cases.some((text) => plain(text).includes(plain(block.code))),
      at(block),
    )
  const paths = [...contributing.text.matchAll(/`((?:crates|src|tests|docs|examples|pkg-template)\/[\w./-]*)`/g)].map(
    ([, path]) => path,
  )
  assert.ok(paths.length > 10)
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(ROOT, path))),
    [],
  )
})

test('the modules that CONTRIBUTING names for each section of the protocol exist', () => {
  const { text } = pages.find(({ file }) => file === 'CONTRIBUTING.md')
  const rows = [...text.matchAll(/^\| \d+ [^|]*\|([^|]*)\|([^|]*)\|$/gm)]
  assert.equal(rows.length, 9)
  const there = (folder, name) => [name, `${name}.rs`].some((file) => existsSync(join(ROOT, folder, file)))
  const missing = rows.flatMap(([, protocol, server]) => {
    const names = (cell) => [...cell.matchAll(/`([\w/]+)`/g)].map(([, name]) => name)
    return [
      ...names(protocol).filter((name) => name !== 'fingerprint' && !there('crates/protocol/src', name)),
      ...names(server).filter((name) => !name.startsWith('src/') && !there('crates/server/src', name)),
    ]
  })
  assert.deepEqual(missing, [])
})

test('every rule of a client has a test in tests/README.md, and every test that is named there exists', () => {
  const rules = [...pages.find(({ file }) => file === 'PROTOCOL.md').text.matchAll(/^- \*\*(K\d+)\*\*/gm)].map(
    ([, rule]) => rule,
  )
  assert.ok(rules.length > 5, 'the rules are found')
  const rows = [...readFileSync(join(ROOT, 'tests/README.md'), 'utf8').matchAll(/^\| (K\d+) \|(.*)\|(.*)\|$/gm)]
  assert.deepEqual(
    rows.map(([, rule]) => rule),
    rules,
  )
  const web = readdirSync(join(ROOT, 'tests/web'))
    .filter((file) => file.endsWith('.rs'))
    .map((file) => `tests/web/${file}`)
  const tests = (files) =>
    files.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^(?:async )?fn (\w+)\(\)/gm)].map(([, name]) => name),
    )
  const columns = [
    tests(['follow', 'refused'].map((name) => `crates/protocol/src/client/${name}_tests.rs`)),
    tests(web),
  ]
  for (const [, rule, ...cells] of rows) {
    const named = cells.map((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name))
    assert.ok(named.flat().length > 0, `${rule} has no test`)
    named.forEach((names, column) =>
      assert.deepEqual(
        names.filter((name) => !columns[column].includes(name)),
        [],
        rule,
      ),
    )
  }
})

test('every link and picture inside the repository leads somewhere', () => {
  const wrong = pages.flatMap(({ file, folder, text }) => {
    const prose = text.replace(/^( *)```.*?^\1```$/gms, '')
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(([, a, b]) => a ?? b)
    return targets
      .filter((target) => !/^(https?:|mailto:)/.test(target))
      .filter((target) => !leads(target, file, folder))
      .map((target) => `${file}: ${target}`)
  })
  assert.deepEqual(wrong, [])
})

function leads(target, file, folder) {
  const [path, anchor] = target.split('#')
  const full = path ? join(folder, path) : join(ROOT, file)
  if (!existsSync(full)) return false
  if (!anchor || !full.endsWith('.md')) return true
  return anchors(readFileSync(full, 'utf8')).includes(anchor)
}

/** As GitHub makes them. */
function anchors(text) {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  )
}
