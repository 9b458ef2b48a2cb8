// Files by their paths, from memory or from folders.
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package, as a folder that pages import from. */
export const PKG = fileURLToPath(new URL('../../../pkg', import.meta.url))

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

export async function fileOf(files, pathname) {
  const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
  const type = TYPES[extname(path)] ?? 'application/octet-stream'
  if (typeof files[path] === 'string') return { type, bytes: files[path] }
  const folder = Object.keys(files).find((one) => files[one].dir && path.startsWith(one))
  if (!folder) return undefined
  const bytes = await readFile(normalize(join(files[folder].dir, path.slice(folder.length)))).catch(() => undefined)
  return bytes && { type, bytes }
}
