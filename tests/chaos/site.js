// The page's own server: an empty page, the package, and what reads.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listen } from '../lib/listen.js'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const PAGE = '<!doctype html><meta charset="utf-8"><title>chaos</title><link rel="icon" href="data:,">'

export async function startSite(modules) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site')
    if (pathname === '/') return response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
    const file = pathname === '/read.js' ? join(HERE, pathname) : join(modules, pathname)
    const bytes = await readFile(file).catch(() => undefined)
    if (!bytes) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(bytes)
  })
  const { port, stop } = await listen(server)
  return { url: `http://localhost:${port}/`, stop }
}
