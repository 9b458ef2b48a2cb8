// Frameworks: how each is built and served.
import { freePort } from '../../lib/listen.js'
import { serve } from './process.js'

/**
 * `build`, `start`, `dev`: program and arguments. `start` is told its port by the environment, too. Without a `node` of its
 * own in its packages a project has the one that runs the tests. `page`: its path. `server: false`: it renders nothing.
 */
export const FRAMEWORKS = [
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

/**
 * Starts the server with what `command` makes of the options for its address: on a port of its own, or on this one. Resolves
 * with its port and address, and with what `serve` does.
 */
export async function launch(t, { dir, env }, command, port) {
  port ??= String(await freePort())
  const [program, ...args] = command(['--host', '127.0.0.1', '--port', port])
  const ready = new RegExp(`http://\\S+:${port}`)
  const served = await serve(t, program, args, { cwd: dir, env: { ...env, HOST: '127.0.0.1', PORT: port }, ready })
  return { ...served, port, address: `http://127.0.0.1:${port}/` }
}

/** The versions of a project's packages and of the engines that executed it. */
export async function versions({ version }, packages, engines) {
  const named = Object.entries(packages).map(async ([of, from]) => `${of} ${await version(from)}`)
  return [...(await Promise.all(named)), engines].join(', ')
}
