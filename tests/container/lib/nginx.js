// nginx with a file of docs/deploy/, as a page reaches it.
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as requestOverTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificate } from '../../lib/certificate.js'
import { freePort } from '../../lib/listen.js'
import { runNginx } from '../../lib/nginx.js'

/** `places`: where things are that the file names, as `[named, here]`. Returns its port for https. */
export async function startNginxWith(t, file, places) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-deploy-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const [plain, secure] = [await freePort(), await freePort()]
  const { key, cert } = await certificate(dir, 'app.example')
  let server = (await readFile(file, 'utf8'))
    .replace('listen 80;', `listen 127.0.0.1:${plain};`)
    .replace('listen 443 ', `listen 127.0.0.1:${secure} `)
    .replace('/etc/nginx/certificates/cert.pem', cert)
    .replace('/etc/nginx/certificates/key.pem', key)
  for (const [named, here] of places) server = server.replaceAll(named, here)
  const nginx = await runNginx(() => `access_log off;\n${server}`)
  t.after(() => nginx.stop())
  return secure
}

export async function askOverTls(port, path, headers) {
  const options = { host: '127.0.0.1', port, path, servername: 'app.example', rejectUnauthorized: false }
  const asking = requestOverTls({ ...options, headers: { host: 'app.example', ...headers } })
  asking.end()
  const [response] = await once(asking, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, text }
}
