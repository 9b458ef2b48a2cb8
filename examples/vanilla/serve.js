// `node serve.js`: this folder's page, and the package next to it. Any web server does.
//
//   PORT    where to listen on 127.0.0.1, default 5173; 0 takes a free port and prints it
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = new URL('.', import.meta.resolve('durablefetch'))
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.wasm': 'application/wasm' }

const server = createServer(async (request, response) => {
  // `URL` has resolved every `..` already.
  const { pathname } = new URL(request.url, 'http://page')
  const [, inPackage] = /^\/durablefetch\/(.+)$/.exec(pathname) ?? []
  const file = inPackage ? new URL(inPackage, PACKAGE) : pathname === '/' && new URL('index.html', import.meta.url)
  const bytes = file && (await readFile(fileURLToPath(file)).catch(() => undefined))
  if (!bytes) return response.writeHead(404).end('not found')
  response.writeHead(200, { 'content-type': TYPES[extname(file.pathname)] ?? 'text/plain' }).end(bytes)
})

server.listen(Number(process.env.PORT ?? 5173), '127.0.0.1', () => {
  console.log(`page: listening on http://localhost:${server.address().port}`)
})
