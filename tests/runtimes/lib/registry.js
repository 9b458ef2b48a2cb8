// A registry that has packages under test, for an installer that takes no tarball. All else is where npm finds it.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { listen } from '../../lib/listen.js'
import { run } from './process.js'

/** The address that npm asks, from which all others install as well. Without a slash at its end. */
export async function npmRegistry() {
  const { stdout } = await run('npm', ['config', 'get', 'registry'], {})
  return stdout.trim().replace(/\/$/, '')
}

/** `packages`: each `{ name, version, file, bin }` of a tarball. Resolves with its address. */
export async function startRegistry(t, packages) {
  const others = await npmRegistry()
  const ours = new Map(
    await Promise.all(packages.map(async (one) => [one.name, { ...one, bytes: await readFile(one.file) }])),
  )
  const server = createServer((request, response) => {
    const [, name, wantsBytes] = /^\/(.+?)(\.tgz)?$/.exec(request.url) ?? []
    const found = ours.get(name)
    if (!found) return response.writeHead(302, { location: others + request.url }).end()
    const { version, bin, bytes } = found
    if (wantsBytes) return response.end(bytes)
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    const dist = { tarball: `http://${request.headers.host}/${name}.tgz`, integrity }
    const versions = { [version]: { name, version, bin, dist } }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }))
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return `http://127.0.0.1:${port}`
}
