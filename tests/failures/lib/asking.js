// A question whose answer is waited for, through a proxy that tells what passes.
import assert from 'node:assert/strict'
import { startWorld } from '../../lib/world.js'
import { startHttpProxy } from './http-proxy.js'
import { assertQuiet } from './page.js'

export const QUESTION = { method: 'POST', body: 'Why?' }
/** No `giveUpAfterMs`: one that the app sets holds, whatever the recorder says. */
export const PATIENT = { stallAfterMs: 250, retry: { initialDelayMs: 20, maxDelayMs: 200 } }

export const isStatus = ({ method, url }) => method === 'POST' && url.endsWith('/in-progress')
export const isContinuation = ({ headers }) => 'durablefetch-offset' in headers
export const isStart = ({ method, headers }) => method !== 'OPTIONS' && 'durablefetch-request' in headers

/** A function: a page behind a proxy that holds something, and its question at the upstream. */
export function askingIn(pages) {
  return async (t, { holds, args, options = PATIENT } = {}) => {
    const { upstream, recorder, start } = await startWorld(t, { args })
    const proxy = await start(startHttpProxy({ targetPort: recorder.port, holds }))
    const page = await pages.open(t, proxy.url, { retry: undefined, ...options })
    const address = upstream.address()
    await page.begin('one', address, QUESTION)
    return { upstream, recorder, proxy, page, address, asked: await upstream.asked(address) }
  }
}

export async function assertWhole({ upstream, page, address }, text) {
  const read = await page.end('one')
  assert.deepEqual([read.text, read.end], [text, 'clean'])
  assert.equal(upstream.count(address), 1)
  await assertQuiet(page)
}
