// A registry that has the package under test, for an installer that takes no tarball. All else is where npm finds it.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { listen } from '../../lib/listen.js'
import { run } from './process.js'
import { tarball } from './tarball.js'

/** The address that npm asks, from which all others install as well. Without a slash at its end. */
export async function npmRegistry() {
  const { stdout } = await run('npm', ['config', 'get', 'registry'], {})
  return stdout.trim().replace(/\/$/, '')
}

/** Resolves with its address. */
export async function startRegistry(t) {
  const { file, version } = await tarball()
  const [bytes, others] = await Promise.all([readFile(file), npmRegistry()])
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  const server = createServer((request, response) => {
    const { host } = request.headers
    if (request.url === '/durablefetch.tgz') return response.end(bytes)
    if (request.url !== '/durablefetch') return response.writeHead(302, { location: others + request.url }).end()
    const dist = { tarball: `http://${host}/durablefetch.tgz`, integrity }
    const versions = { [version]: { name: 'durablefetch', version, dist } }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name: 'durablefetch', 'dist-tags': { latest: version }, versions }))
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return `http://127.0.0.1:${port}`
}
