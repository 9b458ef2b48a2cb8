// When the module is compiled: not at import, not within the constructor where the options are right at a glance.
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { freshProject } from './lib/project.js'

const HOST = 'http://localhost:8787'

/** The package as nobody has used it yet, and what compiles from now on. */
async function fresh(t) {
  const { dir } = await freshProject(t, 'node')
  const { Module, compile } = WebAssembly
  const { size } = await stat(join(dir, 'node_modules/durablefetch/wasm/durablefetch_bg.wasm'))
  // Node compiles something of its own for its fetch.
  const isOurs = ({ byteLength }) => byteLength === size
  const seen = { within: 0, beside: 0 }
  let tell
  const made = new Promise((resolve) => {
    tell = resolve
  })
  WebAssembly.Module = class extends Module {
    constructor(bytes) {
      if (isOurs(bytes)) seen.within++
      super(bytes)
    }
  }
  WebAssembly.compile = async (bytes) => {
    const module = await compile(bytes)
    if (isOurs(bytes)) {
      seen.beside++
      setImmediate(tell)
    }
    return module
  }
  t.after(() => Object.assign(WebAssembly, { Module, compile }))
  const { DurableFetchClient } = await import(pathToFileURL(join(dir, 'node_modules/durablefetch/index.js')).href)
  return { DurableFetchClient, seen, made }
}

test('it is compiled beside the app once there is a client, and once', async (t) => {
  const { DurableFetchClient, seen, made } = await fresh(t)
  assert.deepEqual(seen, { within: 0, beside: 0 }, 'import')
  const df = new DurableFetchClient({ durablefetchHost: HOST, token: () => 't' })
  new DurableFetchClient({ durablefetchHost: '/df' })
  assert.deepEqual(seen, { within: 0, beside: 0 }, 'construction')
  await made
  df.saveLastMessage('chat', 'hello')
  assert.equal(df.lastMessage('chat'), 'hello')
  assert.deepEqual(seen, { within: 0, beside: 1 })
})

test('what is called at once finds it compiled, and it is not compiled again', async (t) => {
  const { DurableFetchClient, seen, made } = await fresh(t)
  const df = new DurableFetchClient({ durablefetchHost: HOST })
  df.saveLastMessage('chat', 'hello')
  assert.deepEqual(seen, { within: 1, beside: 0 })
  // What was on its way finds a module that is compiled.
  await Promise.race([made, new Promise((resolve) => setTimeout(resolve))])
  assert.equal(df.lastMessage('chat'), 'hello')
  assert.deepEqual(seen, { within: 1, beside: 0 })
})

test('options that are wrong are errors of the constructor', async (t) => {
  const { DurableFetchClient } = await fresh(t)
  for (const [options, name] of [
    [{ durablefetchHost: 'http://' }, 'durablefetchHost'],
    [{ durablefetchHost: 'http://a.example/?x' }, 'durablefetchHost'],
    [{ durablefetchHost: '//a.example' }, 'durablefetchHost'],
    [{ durablefetchHost: '/df?x' }, 'durablefetchHost'],
    [{ durablefetchHost: HOST, token: 7 }, 'token'],
    [{ durablefetchHost: HOST, fetch: 'x' }, 'fetch'],
    [{ durablefetchHost: HOST, reuse: 'often' }, 'reuse'],
    [{ durablefetchHost: HOST, retry: { initialDelayMs: -1 } }, 'initialDelayMs'],
    [{ durablefetchHost: HOST, tokem: 'x' }, 'tokem'],
  ]) {
    const isIt = ({ code, message }) => code === 'invalid-option' && message.includes(name)
    assert.throws(() => new DurableFetchClient(options), isIt, JSON.stringify(options))
  }
})

test('where it is refused, each call says so, and nothing else does', async (t) => {
  const { DurableFetchClient, made } = await fresh(t)
  const unheard = []
  const hear = (error) => unheard.push(error)
  process.on('unhandledRejection', hear)
  t.after(() => process.off('unhandledRejection', hear))
  const refuse = () => {
    throw new WebAssembly.CompileError("blocked by CSP: script-src 'self'")
  }
  let tried
  const asked = new Promise((resolve) => {
    tried = resolve
  })
  WebAssembly.Module = function Module() {
    refuse()
  }
  WebAssembly.compile = async () => {
    setImmediate(tried)
    refuse()
  }
  const df = new DurableFetchClient({ durablefetchHost: HOST })
  await Promise.race([asked, made])
  const isIt = ({ code, message }) => code === 'wasm' && message.includes("'wasm-unsafe-eval'")
  await assert.rejects(df.fetch('http://localhost:1/'), isIt)
  assert.throws(() => df.lastMessage('chat'), isIt)
  assert.deepEqual(unheard, [])
})
