// What plugins are told, and the configuration that they make of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEMPLATE } from './lib/process.js'

const { checked } = await import(`${TEMPLATE}/lib/options.js`)
const { withDurablefetch } = await import(`${TEMPLATE}/next.js`)
const nuxtModule = (await import(`${TEMPLATE}/nuxt.js`)).default
const { durablefetch } = await import(`${TEMPLATE}/vite.js`)

test('what is wrong is named, and what is right', () => {
  for (const [options, message] of [
    [{ bse: '/df' }, /no option 'bse': it knows recorder, base/],
    [{ base: 'df' }, /'base' is 'df', which is not a path such as '\/df'/],
    [{ base: '/' }, /not a path/],
    [{ base: '/df/' }, /not a path/],
    [{ recorder: 'localhost:8787' }, /the option 'recorder' is 'localhost:8787', which is not an address/],
    [{ recorder: 'ftp://x' }, /not an address/],
  ]) {
    assert.throws(() => checked(options), { name: 'SetupError', message })
    assert.throws(() => durablefetch(options), { message })
    assert.throws(() => withDurablefetch({}, options), { message })
  }
})

test('the environment names a recorder, and an option another', (t) => {
  process.env.DURABLEFETCH_URL = 'http://localhost:8787/'
  t.after(() => delete process.env.DURABLEFETCH_URL)
  assert.equal(checked().recorder, 'http://localhost:8787')
  assert.equal(checked({ recorder: 'https://df.example/x/' }).recorder, 'https://df.example/x')
  process.env.DURABLEFETCH_URL = 'nonsense'
  assert.throws(() => checked(), { message: /^DURABLEFETCH_URL is 'nonsense'/ })
})

test('options become flags', () => {
  const { flags } = checked({
    allow: ['https://a/', 'https://b/'],
    map: { 'https://a': 'http://c' },
    flags: ['--ttl', '1h'],
  })
  const expected = '--allow https://a/ --allow https://b/ --map https://a=http://c --ttl 1h'
  assert.equal(flags.join(' '), expected)
})

test('Next’s configuration keeps what it has', async () => {
  const recorder = 'http://localhost:8787'
  const theirs = {
    reactStrictMode: true,
    compiler: { define: { A: '1' } },
    experimental: { proxyTimeout: 5 },
    rewrites: async () => [{ source: '/a', destination: '/b' }],
  }
  for (const config of [theirs, async () => theirs]) {
    const made = await withDurablefetch(config, { recorder, base: '/x/df' })('phase-production-build', {})
    assert.equal(made.reactStrictMode, true)
    assert.deepEqual(made.compiler.define, { A: '1', __DURABLEFETCH_HOST__: '/x/df' })
    assert.equal(made.experimental.proxyTimeout, 5)
    const { beforeFiles, afterFiles } = await made.rewrites()
    assert.deepEqual(afterFiles, [{ source: '/a', destination: '/b' }])
    assert.deepEqual(beforeFiles, [{ source: '/x/df/:path*', destination: `${recorder}/:path*`, basePath: false }])
  }
})

test('a build without a recorder mounts none', async () => {
  const made = await withDurablefetch()('phase-production-build', {})
  assert.deepEqual(await made.rewrites(), { afterFiles: [] })
  const nuxt = { options: { dev: false, vite: {}, routeRules: undefined } }
  nuxtModule({}, nuxt)
  assert.equal(nuxt.options.routeRules, undefined)
  nuxtModule({ recorder: 'http://localhost:8787' }, nuxt)
  assert.deepEqual(nuxt.options.routeRules, { '/df/**': { proxy: 'http://localhost:8787/**' } })
})
