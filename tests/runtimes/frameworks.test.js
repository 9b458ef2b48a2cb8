// Frameworks that render on the server: the page as it is built and served there, reloaded in the middle of an answer.
import { freePort } from '../lib/listen.js'
import { executes } from './lib/executes.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkReload } from './lib/reload.js'

/** `build` and `start`: program and arguments, `start` for a port. */
const FRAMEWORKS = [
  {
    title: 'SvelteKit',
    name: 'sveltekit',
    packages: { SvelteKit: '@sveltejs/kit', Svelte: 'svelte' },
    build: ['vite', 'build'],
    start: () => ['node', 'build'],
  },
  {
    title: 'Nuxt',
    name: 'nuxt',
    packages: { Nuxt: 'nuxt', Vue: 'vue' },
    build: ['nuxt', 'build'],
    start: () => ['node', '.output/server/index.mjs'],
  },
  {
    title: 'Astro',
    name: 'astro',
    packages: { Astro: 'astro' },
    build: ['astro', 'build'],
    start: () => ['node', 'dist/server/entry.mjs'],
  },
  {
    title: 'React Router',
    name: 'react-router',
    packages: { 'React Router': 'react-router', React: 'react' },
    build: ['react-router', 'build'],
    start: () => ['react-router-serve', 'build/server/index.js'],
  },
  {
    title: 'TanStack Start',
    name: 'tanstack-start',
    packages: { 'TanStack Start': '@tanstack/react-start', React: 'react' },
    build: ['vite', 'build'],
    start: (port) => ['vite', 'preview', '--host', '127.0.0.1', '--port', port, '--strictPort'],
  },
]

for (const { title, name, packages, build, start } of FRAMEWORKS) {
  executes(`${title}, build and start: reloaded in the middle`, async (t) => {
    const { dir, env, version } = await project(name)
    await run(build[0], build.slice(1), { cwd: dir, env })
    const port = String(await freePort())
    const [program, ...args] = start(port)
    const listening = { HOST: '127.0.0.1', PORT: port, NODE_ENV: 'production' }
    const ready = new RegExp(`http://\\S+:${port}`)
    await serve(t, program, args, { cwd: dir, env: { ...env, ...listening }, ready })
    const engines = await checkReload(t, `http://127.0.0.1:${port}/`)
    const named = Object.entries({ ...packages, Node: 'node' }).map(
      async ([of, from]) => `${of} ${await version(from)}`,
    )
    return [...(await Promise.all(named)), engines].join(', ')
  })
}
