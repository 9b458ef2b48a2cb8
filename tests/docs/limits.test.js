// docs/limits.md has every limit of `durablefetch serve` once, with the default that it has.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { BINARY as RECORDER } from '../lib/recorder.js'
import { ROOT } from './lib/pages.js'

/** As a page for people writes what the help says. */
const written = (text) =>
  text
    .replace(
      /^(\d+)(GiB|MiB|KiB|ms|s|m|h|d)$/,
      (_, number, unit) => `${Number(number).toLocaleString('en-US')} ${unit === 'm' ? 'min' : unit}`,
    )
    .replace(/^\d+$/, (number) => Number(number).toLocaleString('en-US'))

test('every limit of `durablefetch serve` has its row in docs/limits.md, with its default', async () => {
  const { stdout } = await promisify(execFile)(RECORDER, ['serve', '--help'])
  const flags = [
    ...stdout.matchAll(/^ +(?:-\w, )?(--(?:max-[\w-]+|[\w-]+-timeout|ttl|drain)) <\w+>(.*?)(?=^ +-|^\w|(?![\s\S]))/gms),
  ].map(([, flag, text]) => ({
    flag,
    value: /\[default: (.*?)\]/s.exec(text)?.[1].replaceAll(/\s+/g, ' '),
  }))
  assert.ok(flags.length > 8, stdout)
  const page = readFileSync(join(ROOT, 'docs/limits.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('|'))
  const missing = flags.filter(({ flag, value }) => {
    const [row, ...others] = rows.filter((line) => line.includes(`| \`${flag}\` |`))
    return (
      !row || others.length > 0 || (value !== undefined && /^\d/.test(value) && !row.includes(` ${written(value)} |`))
    )
  })
  assert.deepEqual(missing, [])
})
