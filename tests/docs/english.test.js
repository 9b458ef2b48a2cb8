// Plain English where people read: "is not a file", and not "is no file"; who does something, and not "whoever".
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './lib/pages.js'

/** Word by word from another language, all of them. */
const STIFF = /\bis no [a-z]+|\bwhoever\b|if it shall/gi
const READ = ['README.md', 'PROTOCOL.md', 'docs', 'crates/*/src/*', 'src', 'pkg-template']
test('README, PROTOCOL, docs and the sources have no phrase that no English speaker would write', () => {
  const listed = execFileSync('git', ['ls-files', '-z', '--', ...READ], { cwd: ROOT, encoding: 'utf8' })
  const files = listed.split('\0').filter((file) => /\.(md|rs|js|ts|html|svg)$/.test(file))
  assert.ok(files.length > 300, `${files.length} files were found`)
  const found = files.flatMap((file) => {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n')
    return lines.flatMap((line, index) =>
      [...line.matchAll(STIFF)].map(([phrase]) => `${file}:${index + 1}: ${phrase}`),
    )
  })
  assert.deepEqual(found, [])
})
