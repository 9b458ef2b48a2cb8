// The recipe of docs/deploy.md for Auth.js: its code runs in Auth.js itself, and a recorder takes the tokens that it makes.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Auth } from '@auth/core'
import { encode } from '@auth/core/jwt'
import { listen } from '../lib/listen.js'
import { startRecorder } from '../lib/recorder.js'
import { pages, ROOT } from './lib/pages.js'

const TOKEN_SECRET = '0123456789abcdef0123456789abcdef'
const AUTH_SECRET = 'the secret of Auth.js, which encrypts its cookies'
const COOKIE = 'authjs.session-token'

/** What `auth.js` of the recipe hands to NextAuth, which is Auth.js behind Next's requests. */
async function recipe(t) {
  const blocks = pages.find(({ file }) => file === 'docs/deploy.md').blocks
  const [block, ...others] = blocks.filter(({ code }) => code.includes("from 'next-auth'"))
  assert.equal(others.length, 0)
  const code = block.code.replace("import NextAuth from 'next-auth'", 'const NextAuth = (config) => ({ auth: config })')
  assert.notEqual(code, block.code)
  const file = join(ROOT, 'tests/docs/.authjs-recipe.mjs')
  await writeFile(file, code)
  t.after(() => rm(file))
  process.env.DURABLEFETCH_TOKEN_SECRET = TOKEN_SECRET
  return (await import(file)).auth
}

test('the token that the recipe for Auth.js makes stays the same scope while its cookie changes', async (t) => {
  const config = await recipe(t)
  const asked = []
  const server = createServer((request, response) => {
    asked.push(request.headers)
    response.end('an answer')
  })
  const upstream = await listen(server)
  t.after(upstream.stop)
  const recorder = await startRecorder({ flags: ['--token-secret', TOKEN_SECRET] })
  t.after(() => recorder.stop())

  /** What the page gets of `/api/auth/session`, and the cookie that comes with it. */
  async function session(cookie) {
    const request = new Request('http://localhost/api/auth/session', { headers: { cookie: `${COOKIE}=${cookie}` } })
    const response = await Auth(request, { ...config, secret: AUTH_SECRET, trustHost: true, basePath: '/api/auth' })
    const [set] = response.headers.getSetCookie().filter((one) => one.startsWith(COOKIE))
    return { token: (await response.json()).durablefetchToken, cookie: /=([^;]*)/.exec(set)[1] }
  }
  const ask = (token, url) => fetch(recorder.url, { headers: { 'durablefetch-token': token, 'durablefetch-url': url } })
  const login = (sub) => encode({ token: { sub }, secret: AUTH_SECRET, salt: COOKIE })

  const url = `http://127.0.0.1:${upstream.port}/chat`
  const first = await session(await login('alice'))
  const second = await session(first.cookie)
  assert.equal(first.cookie.split('.').length, 5, 'its cookie is encrypted')
  assert.notEqual(first.cookie, second.cookie, 'and written anew')
  for (const { token } of [first, second]) {
    const response = await ask(token, url)
    assert.deepEqual([response.status, await response.text()], [200, 'an answer'])
  }
  assert.equal(asked.length, 1, 'the second one is given the recording')

  const other = await session(await login('bob'))
  assert.equal((await ask(other.token, url)).status, 200)
  assert.equal(asked.length, 2, 'and somebody else is not')
  assert.equal((await ask('', url)).status, 401)
})
