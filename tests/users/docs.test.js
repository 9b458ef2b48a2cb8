import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { cases } from './cases/index.js'
import { docsOf } from './lib/docs.js'

const DOCS = new URL('../../docs/what-takes-a-fetch.md', import.meta.url)

test('docs/what-takes-a-fetch.md shows what is executed here', async () => {
  const text = docsOf(cases)
  if (process.env.WRITE) await writeFile(DOCS, text)
  assert.equal(
    await readFile(DOCS, 'utf8').catch(() => ''),
    text,
    'it is out of date: npm run write --prefix tests/users',
  )
})
