// Frameworks, most of which render on the server: the page as it is built and served, reloaded in the middle of an answer.
import { freePort } from '../lib/listen.js'
import { executes } from './lib/executes.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkReload } from './lib/reload.js'

/**
 * `build`, `start`, `dev`: program and arguments. `start` is told its port by the environment, too. Without a `node` of its
 * own in its packages a project has the one that runs the tests. `page`: its path. `server: false`: it renders nothing.
 */
const FRAMEWORKS = [
  {
    title: 'SvelteKit',
    name: 'sveltekit',
    packages: { SvelteKit: '@sveltejs/kit', Svelte: 'svelte', Node: 'node' },
    build: ['vite', 'build'],
    start: () => ['node', 'build'],
    dev: (at) => ['vite', 'dev', ...at],
  },
  {
    title: 'Nuxt',
    name: 'nuxt',
    packages: { Nuxt: 'nuxt', Vue: 'vue', Node: 'node' },
    build: ['nuxt', 'build'],
    start: () => ['node', '.output/server/index.mjs'],
    dev: (at) => ['nuxt', 'dev', ...at],
  },
  {
    title: 'Astro',
    name: 'astro',
    packages: { Astro: 'astro', Node: 'node' },
    build: ['astro', 'build'],
    start: () => ['node', 'dist/server/entry.mjs'],
    dev: (at) => ['astro', 'dev', ...at],
  },
  reactRouter({ title: 'React Router 8', name: 'react-router', packages: { Node: 'node' } }),
  reactRouter({ title: 'React Router 7', name: 'react-router-7', like: 'react-router' }),
  {
    title: 'TanStack Start',
    name: 'tanstack-start',
    packages: { 'TanStack Start': '@tanstack/react-start', React: 'react', Node: 'node' },
    build: ['vite', 'build'],
    start: (at) => ['vite', 'preview', ...at],
    dev: (at) => ['vite', 'dev', ...at],
  },
  {
    title: 'SolidStart',
    name: 'solid-start',
    packages: { SolidStart: '@solidjs/start', Solid: 'solid-js', Node: 'node' },
    build: ['vite', 'build'],
    // What it builds is a handler of requests, and srvx the server that it comes with.
    start: (at) => [
      'srvx',
      'serve',
      '--prod',
      '--entry',
      'dist/server/entry-server.js',
      '--static',
      '../client',
      ...at,
    ],
    dev: (at) => ['vite', 'dev', ...at],
  },
  {
    title: 'Qwik City',
    name: 'qwik-city',
    packages: { 'Qwik City': '@builder.io/qwik-city', Vite: 'vite' },
    build: ['sh', '-c', 'vite build && vite build --ssr src/entry.node.jsx'],
    start: () => ['node', 'server/entry.node.js'],
    dev: (at) => ['vite', '--mode', 'ssr', ...at],
  },
  {
    title: 'Angular SSR',
    name: 'angular-ssr',
    packages: { Angular: '@angular/core', Node: 'node' },
    build: ['ng', 'build'],
    start: () => ['node', 'dist/server/server.mjs'],
    dev: (at) => ['ng', 'serve', ...at],
  },
  {
    title: 'Next',
    name: 'next',
    page: 'reload',
    packages: { Next: 'next', React: 'react' },
    build: ['next', 'build'],
    start: () => ['next', 'start', '--hostname', '127.0.0.1'],
    dev: () => ['next', 'dev', '--hostname', '127.0.0.1'],
  },
  {
    title: 'Vite',
    name: 'vite',
    server: false,
    packages: { Vite: 'vite' },
    build: ['vite', 'build', 'reload'],
    start: (at) => ['vite', 'preview', 'reload', ...at],
    dev: (at) => ['vite', 'reload', ...at],
  },
  {
    title: 'Storybook',
    name: 'storybook',
    server: false,
    // The query is Storybook's, which has an `id` of its own.
    page: 'iframe.html?viewMode=story&id=answer--asked#',
    packages: { Storybook: 'storybook', Vite: 'vite' },
    build: ['storybook', 'build', '--output-dir', 'dist'],
    start: (at) => ['vite', 'preview', '--outDir', 'dist', ...at],
    dev: (at) => ['storybook', 'dev', '--ci', '--exact-port', ...at],
  },
]

/** Its versions differ in their packages alone. */
function reactRouter({ packages, ...about }) {
  return {
    ...about,
    packages: { 'React Router': 'react-router', React: 'react', ...packages },
    build: ['react-router', 'build'],
    start: () => ['react-router-serve', 'build/server/index.js'],
    dev: (at) => ['react-router', 'dev', ...at],
  }
}

for (const { title, name, like, build, start, dev, ...about } of FRAMEWORKS) {
  executes(`${title}, build and start: reloaded in the middle`, async (t) => {
    const made = await project(name, { like })
    await run(build[0], build.slice(1), { cwd: made.dir, env: made.env })
    return check(t, made, start, about)
  })

  executes(`${title}, dev server: reloaded in the middle`, async (t) => {
    const made = await project(name, { like })
    return check(t, made, dev, about)
  })
}

/** Starts the server with what `command` makes of the options for its address, and checks its page. */
async function check(t, { dir, env, version }, command, { packages, page = '', server }) {
  const port = String(await freePort())
  const [program, ...args] = command(['--host', '127.0.0.1', '--port', port])
  const ready = new RegExp(`http://\\S+:${port}`)
  await serve(t, program, args, { cwd: dir, env: { ...env, HOST: '127.0.0.1', PORT: port }, ready })
  const engines = await checkReload(t, `http://127.0.0.1:${port}/${page}`, { server })
  const named = Object.entries(packages).map(async ([of, from]) => `${of} ${await version(from)}`)
  return [...(await Promise.all(named)), engines].join(', ')
}
