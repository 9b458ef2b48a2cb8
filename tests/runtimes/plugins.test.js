// The plugins of durablefetch-recorder: a project whose only lines for durablefetch are the plugin and a client without
// options. In development the server is started again in the middle of an answer, which goes on.
import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { BINARY, startRecorder } from '../lib/recorder.js'
import { executes } from './lib/executes.js'
import { FRAMEWORKS, launch, versions } from './lib/frameworks.js'
import { addressOf, inEngines, openPage, reportOf } from './lib/page.js'
import { path } from './lib/places.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkReload, half } from './lib/reload.js'
import { launcherTarball } from './lib/tarball.js'
import { BODY, DIGEST, HALF } from './lib/upstream.js'
import { startWorld } from './lib/world.js'

/** `builds`: the plugin has a part in production. `root`: where Vite's configuration is. */
const PLUGINS = [
  { title: 'Vite', name: 'vite', packages: { Vite: 'vite' }, root: 'reload', builds: true },
  { title: 'Next', name: 'next', packages: { Next: 'next' }, builds: true },
  { title: 'Nuxt', name: 'nuxt', packages: { Nuxt: 'nuxt' }, builds: true },
  { title: 'SvelteKit', name: 'sveltekit', packages: { SvelteKit: '@sveltejs/kit' } },
  { title: 'Astro', name: 'astro', packages: { Astro: 'astro' } },
  { title: 'React Router', name: 'react-router', packages: { 'React Router': 'react-router' } },
  { title: 'TanStack Start', name: 'tanstack-start', packages: { 'TanStack Start': '@tanstack/react-start' } },
  { title: 'Qwik City', name: 'qwik-city', packages: { 'Qwik City': '@builder.io/qwik-city', Vite: 'vite' } },
]

for (const { title, packages, builds, ...about } of PLUGINS) {
  const { build, start, dev, page = '' } = FRAMEWORKS.find(({ name }) => name === about.name)
  executes(`${title}’s plugin, dev server: started again in the middle`, async (t) => {
    const made = await withPlugin(about)
    const engines = await inEngines((engine) => restartInMiddle(t, engine, made, { dev, at: page }))
    return versions(made, packages, engines)
  })

  if (!builds) continue
  executes(`${title}’s plugin, build and start: reloaded in the middle`, async (t) => {
    const made = await withPlugin(about)
    const recorder = await startRecorder()
    t.after(() => recorder.stop())
    const env = { ...made.env, DURABLEFETCH_URL: recorder.url }
    await run(build[0], build.slice(1), { cwd: made.dir, env })
    const { address } = await launch(t, { ...made, env }, start)
    const engines = await checkReload(t, address + page, { server: false, recorder: false })
    return versions(made, packages, engines)
  })
}

executes('Vitest’s browser mode with Vite’s plugin: started again in the middle', async (t) => {
  const made = await withPlugin({ name: 'vitest' })
  const engines = await inEngines(async (engine) => {
    const world = await startWorld(t, { recorder: false })
    const env = (isLast) => ({
      ...made.env,
      BROWSER: engine,
      BROWSERS: path('../../lib/engines.js'),
      PLACES: JSON.stringify({ upstream: world.upstream, id: world.id, half: HALF, isLast }),
    })
    const first = await serve(t, 'vitest', ['run'], { cwd: made.dir, env: env(false), ready: /half of it/ })
    // Vitest takes its browser with it only if it is told: a page that is left would go on in the next run.
    await first.stop('SIGTERM')
    const { stdout } = await run('vitest', ['run'], { cwd: made.dir, env: env(true) })
    assert.deepEqual(JSON.parse(/all of it: (.+)/.exec(stdout)[1]), { length: BODY.length, digest: DIGEST })
    assert.equal(world.asked(`/stream?id=${world.id}`), 1, `the upstream was asked once\n${stdout}`)
    return /^tests in (.+)$/m.exec(stdout)[1]
  })
  return versions(made, { Vitest: 'vitest', Node: 'node' }, engines)
})

/** The project as it is, with the package installed from its tarball and the configuration that has the plugin. */
async function withPlugin({ name, root = '' }) {
  const made = await project(name)
  const { file } = await launcherTarball()
  await run('npm', ['install', '--no-save', '--prefer-offline', '--no-audit', '--no-fund', file], { cwd: made.dir })
  await cp(path(`../plugins/${name}`), join(made.dir, root), { recursive: true })
  return { ...made, env: { ...made.env, DURABLEFETCH_BINARY: BINARY } }
}

/** Starts a development server, which compiles a page when it is asked for it first: that takes as long as it takes. */
async function develop(t, made, dev, at, port) {
  const server = await launch(t, made, dev, port)
  await (await fetch(server.address + at)).text()
  return server
}

async function restartInMiddle(t, engine, made, { dev, at }) {
  const world = await startWorld(t, { recorder: false })
  const server = await develop(t, made, dev, at)
  const page = await openPage(t, engine)
  await page.goto(addressOf(server.address + at, world))
  await half(page, world)
  await server.stop()
  const again = await develop(t, made, dev, at, server.port)
  await fetch(`${world.upstream}/release?id=${world.id}`)
  const { length, digest } = await reportOf(page, world, '#answer:not(:empty)')
  assert.deepEqual({ length, digest }, { length: BODY.length, digest: DIGEST })
  assert.equal(world.asked(`/stream?id=${world.id}`), 1, `the upstream was asked once\n${again.output()}`)
  await page.close()
  await again.stop()
  return page.version
}
