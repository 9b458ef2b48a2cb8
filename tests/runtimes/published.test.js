// The recorder as it would be published, a launcher with a package for each platform among its optional dependencies:
// published to a registry of the test's own, and installed from there.
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { fresh, INSTALLERS, NPM } from './lib/installers.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { manifestOf, PKG_RECORDER, PLATFORM, UNNAMED, versionLine } from './lib/recorder-tarball.js'
import { assertOurs, PKG } from './lib/tarball.js'
import { BODY, startUpstream } from './lib/upstream.js'
import { startVerdaccio } from './lib/verdaccio.js'

executes('npm, from a registry: client and recorder', async (t) => {
  const { url, asked, made, folder } = await published(t)
  const env = { ...UNNAMED, npm_config_registry: url, npm_config_cache: join(folder, 'npm') }
  const { name, version } = await manifestOf('durablefetch-recorder')
  const app = await mkdtemp(join(folder, 'app-'))
  const npm = (...words) => run('npm', [...words, '--no-audit', '--no-fund'], { cwd: app, env })
  const npx = (...words) => run('npx', ['--no', '--', 'durablefetch', ...words], { cwd: app, env })

  await t.test('without the optional dependencies it says what to do, and that is what helps', async () => {
    await npm('install', '--omit=optional', name)
    await assert.rejects(
      npx('--version'),
      new RegExp(`durablefetch: the package ${name}-${PLATFORM} is missing.*install again without --omit=optional`),
    )
    await npm('install')
    assert.match((await npx('--version')).stdout, versionLine(version))
    await rm(app, { recursive: true })
  })

  await t.test('in an empty folder it runs, and nothing is fetched for other platforms', async (t) => {
    const dir = await mkdtemp(join(folder, 'app-'))
    await run('npm', ['install', 'durablefetch', name, '--no-audit', '--no-fund'], { cwd: dir, env })
    await assertOurs(dir)
    const { stdout } = await run('npx', ['--no', '--', 'durablefetch', '--version'], { cwd: dir, env })
    assert.match(stdout, versionLine(version))
    const tarballs = asked().filter((path) => /durablefetch.*\.tgz$/.test(path))
    const wanted = ['durablefetch', name, `${name}-${PLATFORM}`].map((one) => `/${one}/-/${one}-${version}.tgz`)
    assert.deepEqual([...new Set(tarballs)].sort(), wanted.sort())

    const upstream = await startUpstream(t)
    const listen = ['serve', '--listen', '127.0.0.1:0', '--data', join(dir, 'data')]
    const ready = /listening on (http:\S+)/
    const { found } = await serve(t, 'npx', ['--no', '--', 'durablefetch', ...listen], { cwd: dir, env, ready })
    await fetch(`${upstream.url}/release?id=one`)
    for (const _ of ['recorded', 'read again']) {
      const answer = await fetch(`${found[1]}/${upstream.url}/stream?id=one`)
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), BODY)
    }
    assert.equal(upstream.asked('/stream?id=one'), 1)
  })
  return `verdaccio ${await made.version('verdaccio')}, npm ${(await run('npm', ['--version'], {})).stdout.trim()}`
})

for (const installer of [NPM, ...INSTALLERS]) {
  const { title, from, name = from, add, runs } = installer
  executes(`${title}, from a registry: the recorder`, async (t) => {
    const { url, made, folder } = await published(t)
    const installers = await project('installers')
    const env = { ...installers.env, ...UNNAMED, ...installer.env(url, join(folder, 'kept')) }
    const dir = await fresh(`published-${from}`, installer.files ?? {})
    const packages = [await manifestOf('durablefetch-recorder')]
    const does = ([program, ...args]) => run(program, args, { cwd: dir, env })
    await does(add(packages))
    const { stdout } = await does(runs(['durablefetch', '--version']))
    assert.match(stdout, versionLine(packages[0].version))
    const version =
      from === 'npm' ? (await run('npm', ['--version'], {})).stdout.trim() : await installers.version(from)
    return `${name} ${version}, verdaccio ${await made.version('verdaccio')}`
  })
}

/** A registry that has the client and all packages of the recorder, in a folder that is gone after the test. */
async function published(t) {
  const made = await project('published')
  const folder = await mkdtemp(join(tmpdir(), 'durablefetch-published-'))
  const registry = await startVerdaccio(t, made, folder)
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const launcher = await manifestOf('durablefetch-recorder')
  await registry.publish(PKG)
  for (const name of Object.keys(launcher.optionalDependencies)) await registry.publish(await ofPlatform(name, folder))
  await registry.publish(join(PKG_RECORDER, launcher.name))
  return { ...registry, made, folder }
}

/** The package of a platform; of one that was not built here, its manifest with another program that must never be run. */
async function ofPlatform(name, folder) {
  const here = `durablefetch-recorder-${PLATFORM}`
  if (name === here) return join(PKG_RECORDER, here)
  const [cpu, os] = name.split('-').reverse()
  const dir = join(folder, 'packages', name)
  await cp(join(PKG_RECORDER, here), dir, { recursive: true, filter: (file) => !file.includes('/bin') })
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({ ...(await manifestOf(here)), name, os: [os], cpu: [cpu] }),
  )
  return dir
}
