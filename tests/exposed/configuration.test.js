// Every configuration that the pages on deploying show is read by the program that it is for; the page says which were only written.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { at, pages } from '../docs/lib/pages.js'
import { certificate } from '../lib/certificate.js'
import { freePort } from '../lib/listen.js'

const exec = promisify(execFile)
const { NGINX, HAPROXY, CADDY, KUBERNETES_VALIDATE } = process.env
const PAGES = ['docs/deploy.md', 'docs/scale.md', 'docs/containers.md']
/** What tests/docs compiles or runs. */
const CODE = ['ts', 'tsx', 'js', 'jsx', 'sh']

/** What a program says of a file; each rejects what it does not take, and warns where it would do something else. */
const PROGRAMS = { nginx, haproxy, caddyfile, yaml: kubernetes }

let folder
/** nginx' directives for what speaks TLS. */
let certified
before(async () => {
  for (const [name, path] of Object.entries({ NGINX, HAPROXY, CADDY, KUBERNETES_VALIDATE })) {
    assert.ok(path, `${name} names the program; \`cargo xtask test --only "behind nginx"\` installs it`)
  }
  folder = await mkdtemp(join(tmpdir(), 'durablefetch-configuration-'))
  const { key, cert } = await certificate(folder, 'app.example')
  certified = `ssl_certificate ${cert}; ssl_certificate_key ${key};`
})
after(() => folder && rm(folder, { recursive: true, force: true }))

/** Runs the program on a file with this text. Returns what it printed. */
async function read(name, text, command) {
  const file = join(folder, name)
  await writeFile(file, text)
  const [program, ...args] = command(file)
  // nginx takes `NGINX` for sockets that it inherits.
  const { NGINX: _, ...own } = process.env
  const env = { ...own, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const { stdout, stderr } = await exec(program, args, { env, timeout: 60_000 })
  return stdout + stderr
}

/** `location` and what belongs around it; what stands in none of these is for a location. */
async function nginx(code) {
  const first = /^(?!#)\s*(\w+)/m.exec(code)[1]
  const port = await freePort()
  const server = (inside) => `server { listen 127.0.0.1:${port}; ${inside} }`
  const around = {
    map: () => code,
    upstream: () => code,
    location: () => server(code),
    listen: () => `server { ${code.replace('listen 443', `listen 127.0.0.1:${port}`)} ${certified} }`,
  }
  const http = (around[first] ?? (() => server(`location / { ${code} }`)))()
  const logs = `access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;`
  const text = `pid ${folder}/nginx.pid; error_log stderr;\nevents {}\nhttp { ${logs}\n${http}\n}\n`
  const said = await read('nginx.conf', text, (file) => [NGINX, '-t', '-p', folder, '-e', 'stderr', '-c', file])
  assert.doesNotMatch(said, /\[(warn|error|emerg)\]/)
}

/** A section of its own, a `backend`, behind the smallest front. */
async function haproxy(code) {
  const backend = /^backend (\S+)/m.exec(code)[1]
  const front = `defaults\n  mode http\n  timeout connect 5s\n  timeout client 1h\nfrontend front\n  bind unix@${folder}/front\n  default_backend ${backend}\n`
  await read('haproxy.cfg', `${front}${code}`, (file) => [HAPROXY, '-c', '-dW', '-f', file])
}

function caddyfile(code) {
  return read('Caddyfile', code, (file) => [CADDY, 'validate', '--adapter', 'caddyfile', '--config', file])
}

/** What stands in the `spec` of a pod. */
async function kubernetes(code) {
  const spec = code.replace(/^(?=.)/gm, '  ')
  const text = `apiVersion: v1\nkind: Pod\nmetadata: { name: recorder }\nspec:\n${spec}`
  const said = await read('pod.yaml', text, (file) => [KUBERNETES_VALIDATE, '--strict', file])
  assert.match(said, / passed /)
}

/** What stands below the heading that is next above the block. */
function section({ text }, { line }) {
  const above = text
    .split('\n')
    .slice(0, line - 1)
    .join('\n')
  const begins = above.lastIndexOf('\n##')
  return text.slice(begins + 1).split(/\n(?=##+ )/)[0]
}

const shown = pages.filter(({ file }) => PAGES.includes(file))
const blocks = shown.flatMap((page) =>
  page.blocks.filter(({ language }) => !CODE.includes(language)).map((block) => ({ page, block })),
)

for (const { page, block } of blocks) {
  const { language, code } = block
  if (/^Not (tried|executed) here\b/m.test(section(page, block))) continue
  test(`${at(block)}, ${language}, is read by its program`, async () => {
    const program = PROGRAMS[language]
    assert.ok(
      program,
      `no program is known that reads "${language}": name one here, or say "Not tried here" in the section`,
    )
    await program(code)
  })
}

test('so are the directives that the text on nginx names', async () => {
  const [, text] = /^## nginx\n(.*?)^## /ms.exec(shown.find(({ file }) => file === 'docs/deploy.md').text)
  const named = [...text.replace(/^```.*?^```$/gms, '').matchAll(/`([a-z_]+ [^`]*;)`/g)].map(
    ([, directives]) => directives,
  )
  assert.ok(named.length > 0)
  for (const directives of named) await nginx(directives)
})

test('each of the programs has something to read, and refuses what is wrong', async () => {
  const languages = blocks.map(({ block }) => block.language)
  for (const [language, wrong] of Object.entries({
    nginx: 'location /df/ {\n  proxy_past http://127.0.0.1:8787;\n}\n',
    haproxy: 'backend durablefetch\n  option httpchek GET /readyz\n',
    caddyfile: 'app.example {\n  reverse_proxi 127.0.0.1:8787\n}\n',
    yaml: 'containers:\n  - name: recorder\n    livenessProbe: { httpGet: { path: /healthz, prt: 9187 } }\n',
  })) {
    assert.ok(languages.includes(language), language)
    await assert.rejects(PROGRAMS[language](wrong), language)
  }
})
