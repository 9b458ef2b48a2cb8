// docs/errors.md explains each code once: those of recorders and those of the client.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './lib/pages.js'

const read = (file) => readFileSync(join(ROOT, file), 'utf8')
const page = read('docs/errors.md')
const rowsOf = (heading) => {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading))
  assert.ok(section, `docs/errors.md has the section ${heading}`)
  return [...section.matchAll(/^\| `([a-z-]+)` \| (\d+)?/gm)].map(([, code, status]) => ({
    code,
    status: Number(status),
  }))
}

test('every code of a recorder has a row in docs/errors.md, with its status, and no other has', () => {
  const table = read('crates/protocol/src/words/error.rs')
  const codes = [...table.matchAll(/^ {4}\w+ = "([a-z-]+)", (\d+), /gm)].map(([, code, status]) => ({
    code,
    status: Number(status),
  }))
  assert.ok(codes.length > 20, 'the table is found')
  assert.deepEqual(rowsOf('What a recorder answers').sort(byCode), codes.sort(byCode))
})

test('RecorderErrorCode in index.d.ts has the codes of a recorder', () => {
  const codes = [...read('crates/protocol/src/words/error.rs').matchAll(/^ {4}\w+ = "([a-z-]+)", \d+, /gm)].map(
    ([, code]) => code,
  )
  const [, union] = /export type RecorderErrorCode =\n(.*?)\n\n/s.exec(read('pkg-template/index.d.ts'))
  assert.deepEqual(
    [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code),
    codes,
  )
})

test('every code of the client has a row in docs/errors.md, and no other has', () => {
  const [, union] = /export type ClientErrorCode =\n(.*?)\n\n/s.exec(read('pkg-template/index.d.ts'))
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code)
  assert.ok(codes.length > 10, 'the type is found')
  assert.deepEqual(
    rowsOf('What the client adds')
      .map(({ code }) => code)
      .sort(),
    codes.sort(),
  )
})

const byCode = (a, b) => a.code.localeCompare(b.code)
