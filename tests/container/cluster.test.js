// docs/deploy/cluster/: what stands there is parsed by the tools that it is for, and three containers over one PostgreSQL answer for each
// other behind nginx, with these settings.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'
import { freePort, listen } from '../lib/listen.js'
import { startPostgres } from '../lib/postgres.js'
import { openPodman } from './lib/podman.js'
import { askOverTls, startNginxWith } from './lib/nginx.js'

const exec = promisify(execFile)
const file = (name) => fileURLToPath(new URL(`../../docs/deploy/cluster/${name}`, import.meta.url))
const { DOCKER_COMPOSE = 'docker-compose', KUBERNETES_VALIDATE = 'kubernetes-validate' } = process.env
const NAMES = ['recorder-1', 'recorder-2', 'recorder-3']

let engine
before(async () => (engine = await openPodman(process.env.IMAGE)))
after(() => engine?.close())

async function composed() {
  const { stdout, stderr } = await exec(DOCKER_COMPOSE, ['--file', file('compose.yaml'), 'config'])
  assert.equal(stderr, '')
  return parse(stdout).services
}

test('three containers over one PostgreSQL are one recorder, also while one of them is stopped', async (t) => {
  const services = await composed()
  const postgres = await startPostgres()
  t.after(() => postgres.stop())
  let asked = 0
  const server = createServer(({ url }, response) => response.end(`${url}, answer ${(asked += 1)}`))
  const app = await listen(server)
  t.after(app.stop)
  const ports = {}
  for (const name of NAMES) {
    const { environment, image } = services[name]
    assert.equal(image, engine.image)
    assert.equal(environment.DURABLEFETCH_PEER_URL, `https://${name}:8788`)
    const peers = await freePort()
    ports[name] = await freePort()
    // Where things are is different here; all else stands in the file.
    const env = {
      ...environment,
      DURABLEFETCH_CLUSTER: postgres.url,
      DURABLEFETCH_MAP: environment.DURABLEFETCH_MAP.replace('app:3000', `127.0.0.1:${app.port}`),
      DURABLEFETCH_TRUSTED_PROXIES: '127.0.0.1',
      DURABLEFETCH_LISTEN: `0.0.0.0:${ports[name]}`,
      DURABLEFETCH_METRICS_LISTEN: `127.0.0.1:${await freePort()}`,
      DURABLEFETCH_PEER_LISTEN: `127.0.0.1:${peers}`,
      DURABLEFETCH_PEER_URL: `https://127.0.0.1:${peers}`,
    }
    await engine.run(name, { env }).listening()
  }
  const places = NAMES.map((name) => [`${name}:8787`, `127.0.0.1:${ports[name]}`])
  const front = await startNginxWith(t, file('nginx.conf'), [...places, ['app:3000', `127.0.0.1:${app.port}`]])
  const headers = { 'durablefetch-url': 'https://app.example/api/chat', cookie: 'session=mine' }
  const nodes = new Set()
  const ask = async (more = {}) => {
    const answer = await askOverTls(front, '/df/', { ...headers, ...more })
    nodes.add(answer.headers['durablefetch-node'])
    return [answer.status, answer.text]
  }
  for (let times = 0; times < 6; times += 1) assert.deepEqual(await ask(), [200, '/api/chat, answer 1'])
  assert.equal(nodes.size, 1, 'one of them has it, and answers for all')
  const [owner] = nodes
  const [status] = await ask({ cookie: 'session=other', 'durablefetch-mode': 'replay' })
  assert.equal(status, 404, 'and to nobody else')
  const { text } = await engine.inside('recorder-2', 'ls', '--json')
  const listed = JSON.parse(text).recordings
  assert.deepEqual(
    listed.map(({ state }) => state),
    ['complete'],
  )
  // One that is stopped leaves what it has to the others.
  await engine.podman('stop', owner)
  for (let times = 0; times < 6; times += 1)
    assert.deepEqual(await ask({ 'durablefetch-mode': 'replay' }), [200, '/api/chat, answer 1'])
  assert.equal(asked, 1)
})

test('the manifests are what Kubernetes takes, and keep to the restricted standard', async () => {
  const { stdout } = await exec(KUBERNETES_VALIDATE, ['--strict', file('kubernetes.yaml')])
  const documents = parseAllDocuments(await readFile(file('kubernetes.yaml'), 'utf8')).map((one) => one.toJS())
  assert.equal(stdout.match(/ passed /g).length, documents.length, stdout)
  const { spec } = documents.find(({ kind }) => kind === 'Deployment')
  const { spec: pod, metadata } = spec.template
  for (const one of documents) {
    assert.deepEqual(one.kind === 'Service' ? one.spec.selector : one.spec.selector.matchLabels, metadata.labels)
  }
  // Longer than a recorder of a cluster drains.
  assert.ok(pod.terminationGracePeriodSeconds > 15 * 60)
  assert.deepEqual(spec.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 })
  assert.equal(pod.securityContext.runAsNonRoot, true)
  assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault')
  const [recorder] = pod.containers
  assert.deepEqual(recorder.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  assert.deepEqual(recorder.volumeMounts, [{ name: 'live', mountPath: '/data' }])
  assert.ok('emptyDir' in pod.volumes.find(({ name }) => name === 'live'))
  // The same settings as in the compose file, but for where things are.
  const services = await composed()
  const told = Object.fromEntries(recorder.env.map(({ name, value }) => [name, value]))
  for (const name of ['PUBLIC_ORIGIN', 'BASE_PATH', 'ALLOW', 'MAP', 'SCOPE_BY']) {
    assert.equal(told[`DURABLEFETCH_${name}`], services['recorder-1'].environment[`DURABLEFETCH_${name}`], name)
  }
})
