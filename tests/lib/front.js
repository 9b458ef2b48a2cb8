// The server of an app: its page, what a test adds to it, and the recorder at `/df`, which it may lose.
import { readFile } from 'node:fs/promises'
import { createServer, request as ask } from 'node:http'
import { extname, join } from 'node:path'
import { listen } from './listen.js'

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }
const MOUNT = '/df'

/**
 * `root`: the app's folder. `files`: more of it, by path. `recorderPort`: none, and all that is not a file is the page, as
 * frameworks have it for single-page apps.
 */
export async function startFront({ root, files = {}, recorderPort }) {
  const open = new Set()
  let lost = false
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://front')
    if (recorderPort && pathname.startsWith(`${MOUNT}/`)) return mounted(request, response)
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const text = files[path] ?? (await readFile(join(root, path)).catch(() => undefined))
    if (text !== undefined) return response.writeHead(200, { 'content-type': TYPES[extname(path)] }).end(text)
    response.writeHead(200, { 'content-type': 'text/html' }).end(await readFile(join(root, 'index.html')))
  })

  function mounted(request, response) {
    if (lost) return response.socket.resetAndDestroy()
    open.add(response)
    const { method, headers, url } = request
    const target = { host: '127.0.0.1', port: recorderPort, method, path: url.slice(MOUNT.length), headers }
    const outgoing = ask(target, (incoming) => {
      response.writeHead(incoming.statusCode, incoming.headers).flushHeaders()
      incoming.pipe(response)
      incoming.on('error', () => response.socket?.resetAndDestroy())
    })
    outgoing.on('error', () => response.socket?.resetAndDestroy())
    response.on('close', () => {
      open.delete(response)
      outgoing.destroy()
    })
    request.pipe(outgoing)
  }

  const { port, stop } = await listen(server)
  return {
    url: `http://localhost:${port}/`,
    stop,
    /** From now on the recorder cannot be reached, what is open included; or it can again. */
    lose(yes) {
      lost = yes
      if (yes) for (const response of open) response.socket?.resetAndDestroy()
    },
  }
}
