// docs/deploy/: what stands there is parsed by the tools that it is for, and its settings are those of a recorder that runs.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'
import { freePort, listen } from '../lib/listen.js'
import { ask } from './lib/ask.js'
import { askOverTls, startNginxWith } from './lib/nginx.js'
import { openPodman } from './lib/podman.js'

const exec = promisify(execFile)
const file = (name) => fileURLToPath(new URL(`../../docs/deploy/${name}`, import.meta.url))
const { DOCKER_COMPOSE = 'docker-compose', KUBERNETES_VALIDATE = 'kubernetes-validate' } = process.env

/** Seconds of `30s`, `1m`, `10m30s`. */
const seconds = (text) =>
  [...text.matchAll(/(\d+)([sm])/g)].reduce((sum, [, count, unit]) => sum + count * (unit === 'm' ? 60 : 1), 0)

let engine
let dir
before(async () => {
  engine = await openPodman(process.env.IMAGE)
  dir = await mkdtemp(join(tmpdir(), 'durablefetch-deploy-'))
  await chmod(dir, 0o755)
})
after(async () => {
  await engine?.close()
  await rm(dir, { recursive: true, force: true })
})

/** The app, which tells as whom and from where it was asked. */
async function startApp(t) {
  const server = createServer(({ url, headers }, response) =>
    response.end(`${url} of ${headers.host}, for ${headers['x-forwarded-for']}`),
  )
  const { port, stop } = await listen(server)
  t.after(stop)
  return port
}

test('the compose file is one, and gives a live answer its time', async () => {
  const { stdout, stderr } = await exec(DOCKER_COMPOSE, ['--file', file('compose.yaml'), 'config'])
  assert.equal(stderr, '')
  const { recorder, nginx } = parse(stdout).services
  assert.ok(seconds(recorder.stop_grace_period) > seconds(recorder.environment.DURABLEFETCH_DRAIN))
  assert.deepEqual(recorder.healthcheck.test, ['CMD', 'durablefetch', 'healthcheck'])
  assert.equal(nginx.depends_on.recorder.condition, 'service_healthy')
  assert.equal(recorder.image, engine.image)
})

test('app, recorder and nginx work together as the compose file sets them up', async (t) => {
  const app = await startApp(t)
  const { recorder } = parse(await readFile(file('compose.yaml'), 'utf8')).services
  const port = await freePort()
  // Where things are is different here; all else stands in the file.
  const env = {
    ...recorder.environment,
    DURABLEFETCH_MAP: recorder.environment.DURABLEFETCH_MAP.replace('app:3000', `127.0.0.1:${app}`),
    DURABLEFETCH_TRUSTED_PROXIES: '127.0.0.1',
    DURABLEFETCH_LISTEN: `0.0.0.0:${port}`,
    DURABLEFETCH_METRICS_LISTEN: `127.0.0.1:${await freePort()}`,
  }
  const container = engine.run('compose', { env })
  await container.listening()
  assert.equal((await engine.inside('compose', ...recorder.healthcheck.test.slice(2))).code, 0)
  const front = await startNginxWith(t, file('nginx.conf'), [
    ['http://app:3000', `http://127.0.0.1:${app}`],
    ['http://recorder:8787', `http://127.0.0.1:${port}`],
  ])
  const headers = { 'durablefetch-url': 'https://app.example/api/chat', cookie: 'session=mine' }
  const mine = await askOverTls(front, '/df/', headers)
  assert.deepEqual([mine.status, mine.text], [200, '/api/chat of app.example, for 127.0.0.1'])
  assert.equal((await askOverTls(front, '/df/', { ...headers, 'durablefetch-mode': 'replay' })).text, mine.text)
  const others = { ...headers, cookie: 'session=other', 'durablefetch-mode': 'replay' }
  assert.equal((await askOverTls(front, '/df/', others)).status, 404)
  assert.equal((await askOverTls(front, '/page', {})).text, '/page of app.example, for 127.0.0.1')
  await engine.podman('stop', 'compose')
  await container.ended()
})

async function manifests() {
  const documents = parseAllDocuments(await readFile(file('kubernetes.yaml'), 'utf8')).map((one) => one.toJS())
  return { documents, set: documents.find(({ kind }) => kind === 'StatefulSet') }
}

test('the manifests are what Kubernetes takes, and fit each other', async () => {
  const { stdout } = await exec(KUBERNETES_VALIDATE, ['--strict', file('kubernetes.yaml')])
  const { documents, set } = await manifests()
  assert.equal(stdout.match(/ passed /g).length, documents.length, stdout)
  const pod = set.spec.template.spec
  const [recorder] = pod.containers
  const env = Object.fromEntries(recorder.env.map(({ name, value }) => [name, value]))
  assert.ok(pod.terminationGracePeriodSeconds > seconds(env.DURABLEFETCH_DRAIN))
  // What one looks for is labelled so, and the names that others use are there.
  const labels = set.spec.template.metadata.labels
  for (const { kind, spec } of documents) {
    assert.deepEqual(kind === 'Service' ? spec.selector : spec.selector.matchLabels, labels)
  }
  const services = documents.filter(({ kind }) => kind === 'Service')
  assert.ok(services.some(({ metadata, spec }) => metadata.name === set.spec.serviceName && spec.clusterIP === 'None'))
  const ports = Object.fromEntries(recorder.ports.map(({ name, containerPort }) => [name, containerPort]))
  assert.deepEqual(ports, { http: 8787, metrics: 9187 })
  for (const { spec } of services) for (const { port, targetPort } of spec.ports) assert.equal(ports[targetPort], port)
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    assert.equal(recorder[probe].httpGet.port, 'metrics', probe)
  }
  assert.deepEqual(
    recorder.volumeMounts.map(({ name, mountPath }) => [name, mountPath]),
    set.spec.volumeClaimTemplates.map(({ metadata }) => [metadata.name, '/data']),
  )
})

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/, "restricted". */
test('the pod keeps to the restricted standard', async () => {
  const { spec: pod } = (await manifests()).set.spec.template
  assert.equal(pod.securityContext.runAsNonRoot, true)
  assert.notEqual(pod.securityContext.runAsUser, 0)
  assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault')
  for (const forbidden of ['hostNetwork', 'hostPID', 'hostIPC', 'volumes']) assert.equal(pod[forbidden], undefined)
  for (const { securityContext, ports } of pod.containers) {
    assert.equal(securityContext.allowPrivilegeEscalation, false)
    assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] })
    assert.ok(!securityContext.privileged && ports.every(({ hostPort }) => hostPort === undefined))
  }
})

test('the image runs with the settings of the manifest, on a volume as `fsGroup` gives it', async (t) => {
  const app = await startApp(t)
  const { spec: pod } = (await manifests()).set.spec.template
  const [{ env: variables, readinessProbe }] = pod.containers
  const volume = join(dir, 'volume')
  await mkdir(volume)
  await chown(volume, 0, pod.securityContext.fsGroup)
  await chmod(volume, 0o2775)
  const [port, metrics] = [await freePort(), await freePort()]
  const env = Object.fromEntries(variables.map(({ name, value }) => [name, value]))
  env.DURABLEFETCH_MAP = env.DURABLEFETCH_MAP.replace('app:3000', `127.0.0.1:${app}`)
  env.DURABLEFETCH_LISTEN = `0.0.0.0:${port}`
  env.DURABLEFETCH_METRICS_LISTEN = `0.0.0.0:${metrics}`
  const { runAsUser, runAsGroup } = pod.securityContext
  const container = engine.run('kubernetes', {
    env,
    args: ['--network=host', `--user=${runAsUser}:${runAsGroup}`, `--volume=${volume}:/data`],
  })
  await container.listening()
  // As a kubelet asks: by the pod's address.
  const probed = await ask(metrics, readinessProbe.httpGet.path, { host: '10.1.2.3:9187' })
  assert.equal(probed.status, 200)
  const headers = { 'durablefetch-url': 'https://app.example/api/chat', cookie: 'session=mine' }
  const answer = await ask(port, '/df/', headers)
  assert.match(await answer.text(), /^\/api\/chat of app\.example/)
  await engine.podman('stop', '--time', '60', 'kubernetes')
  assert.equal(await container.ended(), 0, container.output())
})
