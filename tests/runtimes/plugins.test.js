// The plugins of durablefetch-recorder: a project whose only lines for durablefetch are the plugin and a client without
// options. In development the server is started again in the middle of an answer, which goes on.
import assert from 'node:assert/strict'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../lib/listen.js'
import { BINARY, startRecorder } from '../lib/recorder.js'
import { executes } from './lib/executes.js'
import { addressOf, inEngines, openPage, reportOf } from './lib/page.js'
import { path, WORK } from './lib/places.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkReload, half } from './lib/reload.js'
import { BODY, DIGEST } from './lib/upstream.js'
import { startWorld } from './lib/world.js'

/** `build` and `start` where the plugin has a part in production. */
const PLUGINS = [
  {
    title: 'Vite',
    name: 'vite',
    packages: { Vite: 'vite' },
    root: 'reload',
    dev: (at) => ['vite', 'reload', ...at],
    build: ['vite', 'build', 'reload'],
    start: (at) => ['vite', 'preview', 'reload', ...at],
  },
  {
    title: 'Next',
    name: 'next',
    page: 'reload',
    packages: { Next: 'next' },
    dev: () => ['next', 'dev', '--hostname', '127.0.0.1'],
    build: ['next', 'build'],
    start: () => ['next', 'start', '--hostname', '127.0.0.1'],
  },
  {
    title: 'Nuxt',
    name: 'nuxt',
    packages: { Nuxt: 'nuxt' },
    dev: (at) => ['nuxt', 'dev', ...at],
    build: ['nuxt', 'build'],
    start: () => ['node', '.output/server/index.mjs'],
  },
  {
    title: 'SvelteKit',
    name: 'sveltekit',
    packages: { SvelteKit: '@sveltejs/kit' },
    dev: (at) => ['vite', 'dev', ...at],
  },
  { title: 'Astro', name: 'astro', packages: { Astro: 'astro' }, dev: (at) => ['astro', 'dev', ...at] },
  {
    title: 'React Router',
    name: 'react-router',
    packages: { 'React Router': 'react-router' },
    dev: (at) => ['react-router', 'dev', ...at],
  },
  {
    title: 'TanStack Start',
    name: 'tanstack-start',
    packages: { 'TanStack Start': '@tanstack/react-start' },
    dev: (at) => ['vite', 'dev', ...at],
  },
]

for (const { title, build, start, ...about } of PLUGINS) {
  executes(`${title}’s plugin, dev server: started again in the middle`, async (t) => {
    const made = await withPlugin(about)
    const engines = await inEngines((engine) => restartInMiddle(t, engine, made, about))
    return versions(made, about, engines)
  })

  if (!build) continue
  executes(`${title}’s plugin, build and start: reloaded in the middle`, async (t) => {
    const made = await withPlugin(about)
    const recorder = await startRecorder()
    t.after(() => recorder.stop())
    const env = { ...made.env, DURABLEFETCH_URL: recorder.url }
    await run(build[0], build.slice(1), { cwd: made.dir, env })
    const server = await launch(t, { ...made, env }, start, about)
    const engines = await checkReload(t, server.address + (about.page ?? ''), { server: false, recorder: false })
    return versions(made, about, engines)
  })
}

/** The project as it is, with the package installed from its tarball and the configuration that has the plugin. */
async function withPlugin({ name, root = '' }) {
  const made = await project(name)
  const file = await packed()
  await run('npm', ['install', '--no-save', '--prefer-offline', '--no-audit', '--no-fund', file], { cwd: made.dir })
  await cp(path(`../plugins/${name}`), join(made.dir, root), { recursive: true })
  return { ...made, env: { ...made.env, DURABLEFETCH_BINARY: BINARY } }
}

let tarball

/** The launcher and the plugins, packed; the recorder itself is the one under test. */
function packed() {
  tarball ??= pack()
  return tarball
}

async function pack() {
  const folder = join(WORK, 'tarball')
  await mkdir(folder, { recursive: true })
  const template = path('../../../pkg-recorder-template')
  const { stdout } = await run('npm', ['pack', template, '--json', '--pack-destination', folder], { cwd: folder })
  return join(folder, Object.values(JSON.parse(stdout))[0].filename)
}

/** Starts the server, on a port of its own unless it has had one. */
async function launch(t, { dir, env }, command, { page: at = '', port } = {}) {
  port ??= String(await freePort())
  const [program, ...args] = command(['--host', '127.0.0.1', '--port', port])
  const ready = new RegExp(`http://\\S+:${port}`)
  const { stop, output } = await serve(t, program, args, {
    cwd: dir,
    env: { ...env, HOST: '127.0.0.1', PORT: port },
    ready,
  })
  const address = `http://127.0.0.1:${port}/`
  // A development server compiles a page when it is asked for it first, which takes as long as it takes.
  await (await fetch(address + at)).text()
  return { port, address, stop, output }
}

async function restartInMiddle(t, engine, made, { dev, page: at = '' }) {
  const world = await startWorld(t, { recorder: false })
  const server = await launch(t, made, dev, { page: at })
  const page = await openPage(t, engine)
  await page.goto(addressOf(server.address + at, world))
  await half(page, world)
  await server.stop()
  const again = await launch(t, made, dev, { page: at, port: server.port })
  await fetch(`${world.upstream}/release?id=${world.id}`)
  const { length, digest } = await reportOf(page, world, '#answer:not(:empty)')
  assert.deepEqual({ length, digest }, { length: BODY.length, digest: DIGEST })
  assert.equal(world.asked(`/stream?id=${world.id}`), 1, `the upstream was asked once\n${again.output()}`)
  await page.close()
  await again.stop()
  return page.version
}

async function versions({ version }, { packages }, engines) {
  const named = Object.entries(packages).map(async ([of, from]) => `${of} ${await version(from)}`)
  return [...(await Promise.all(named)), engines].join(', ')
}
