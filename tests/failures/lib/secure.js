// The page of a site that has TLS.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listen } from '../../lib/listen.js'

const run = promisify(execFile)

/** Serves what the server at `url` serves. The browsers of the tests take any certificate. Resolves with its origin. */
export async function serveSecurely(t, url) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-tls-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const [key, cert] = ['key', 'cert'].map((name) => join(dir, name))
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject])
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (incoming, response) => {
    request(new URL(incoming.url, url), (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    }).end()
  })
  const { port, stop } = await listen(server)
  t.after(stop)
  return `https://localhost:${port}`
}
