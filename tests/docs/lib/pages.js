// The pages, and their code blocks.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const FENCE = /(?:<!-- with: (.*?) -->\n+)?^( *)```([^\n]*)\n(.*?)^\2```$/gms

const below = (folder) => readdirSync(join(ROOT, folder), { recursive: true }).map((file) => `${folder}/${file}`)
const files = [
  'README.md',
  'CONTRIBUTING.md',
  'PROTOCOL.md',
  'pkg-template/README.md',
  ...below('docs'),
  ...exampleReadmes(),
]

/** Every page for users and contributors: `{ file, folder, text, blocks }`. */
export const pages = files
  .filter((file) => file.endsWith('.md'))
  .sort()
  .map(read)

function exampleReadmes() {
  return readdirSync(join(ROOT, 'examples')).map((name) => `examples/${name}/README.md`)
}

function read(file) {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const folder = dirname(join(ROOT, file))
  const blocks = [...text.matchAll(FENCE)].map(({ 1: extra = '', 2: indent, 3: language, 4: code, index }) => ({
    file,
    folder,
    line: text.slice(0, index).split('\n').length + (extra ? 1 : 0),
    language: language.trim(),
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    extra,
  }))
  return { file, folder, text, blocks }
}

/** All blocks in one of these languages. */
export const blocksIn = (...languages) =>
  pages.flatMap(({ blocks }) => blocks.filter(({ language }) => languages.includes(language)))

/** For messages. */
export const at = ({ file, line }) => `${file}:${line}`
