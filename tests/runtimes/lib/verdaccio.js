// A registry as others run one, verdaccio: packages are published to it as to npm's, and all else is where npm finds it.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../lib/listen.js'
import { run, serve } from './process.js'
import { npmRegistry } from './registry.js'

/** What is ours is never asked for elsewhere. */
const config = (folder, others) => `
storage: ${join(folder, 'storage')}
auth: { htpasswd: { file: ${join(folder, 'htpasswd')} } }
uplinks: { others: { url: '${others}/' } }
packages:
  'durablefetch*': { access: $all, publish: $authenticated }
  '**': { access: $all, proxy: others }
# A program is larger than what it takes by default.
max_body_size: 200mb
log: { type: stdout, format: json, level: http }
`

/**
 * Starts the one that is installed in this project, with nothing in it. Resolves with its address, with `publish`, which sends a
 * package's folder, and with the paths that it was asked for.
 */
export async function startVerdaccio(t, { dir, env }, folder) {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'config.yaml')
  await writeFile(file, config(folder, await npmRegistry()))
  const port = await freePort()
  const listen = ['--config', file, '--listen', `127.0.0.1:${port}`]
  const { output } = await serve(t, join(dir, 'node_modules/.bin/verdaccio'), listen, {
    cwd: dir,
    env,
    ready: /http address/,
  })
  const url = `http://127.0.0.1:${port}`
  const npmrc = join(folder, 'npmrc')
  await writeFile(npmrc, `//127.0.0.1:${port}/:_authToken=${await newUser(url)}\n`)
  const publish = (source) =>
    run('npm', ['publish', source, '--registry', url, '--userconfig', npmrc], {
      cwd: folder,
      env: { npm_config_loglevel: 'error' },
    })
  const asked = () =>
    output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line).request?.url)
      .filter(Boolean)
  return { url, publish, asked }
}

/** Registers somebody who may publish. Resolves with the token. */
async function newUser(url) {
  const name = 'publisher'
  const answer = await fetch(`${url}/-/user/org.couchdb.user:${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: crypto.randomUUID() }),
  })
  const { token } = await answer.json()
  if (!token) throw new Error(`verdaccio registers nobody: ${answer.status}`)
  return token
}
