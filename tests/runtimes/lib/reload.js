// Drives a page of reload.mjs: it is reloaded in the middle of an answer and shows all of it.
import assert from 'node:assert/strict'
import { addressOf, errorsOf, inEngines, openPage, reportOf } from './page.js'
import { BODY, DIGEST, HALF } from './upstream.js'
import { startWorld } from './world.js'

/**
 * The page as the server renders it, unless `server` is false (a page without one), and then in each engine. `instances`: of
 * WebAssembly, in the page. `recorder: false`: the server has mounted one.
 * Resolves with the versions of all of them.
 */
export async function checkReload(t, address, { server = true, instances = 1, recorder = true } = {}) {
  if (server) await checkRendered(address)
  return inEngines(async (engine) => {
    const page = await openPage(t, engine)
    await reloadInMiddle(page, address, await startWorld(t, { recorder }), instances)
    await page.close()
    return page.version
  })
}

/** The package was imported on the server, where nothing ran at import, and a client was made there. */
async function checkRendered(address) {
  const response = await fetch(address)
  const html = await response.text()
  assert.equal(response.status, 200, html)
  assert.match(
    html,
    /data-imported="function, 0 instances"/,
    `imported on the server, and nothing runs there yet: ${html}`,
  )
  assert.match(html, /data-rendered="function"/, `a client made while the page is rendered: ${html}`)
}

/** The page of reload.mjs at this address. */
export async function reloadInMiddle(page, address, world, instances = 1) {
  await page.goto(addressOf(address, world))
  await half(page, world)
  await page.evaluate(() => void (window.before = true))
  await page.reload()
  assert.equal(await page.evaluate(() => window.before === undefined), true, 'it is another page')
  await half(page, world)

  // The rest comes to the reloaded page, and is not made anew.
  await fetch(`${world.upstream}/release?id=${world.id}`)
  const answer = await reportOf(page, world, '#answer:not(:empty)')
  assert.deepEqual(answer, { length: BODY.length, digest: DIGEST, instances })
  assert.equal(world.asked(`/stream?id=${world.id}`), 1, 'the upstream was asked once')
  assert.deepEqual(await errorsOf(page), [], 'no errors in the console')
}

/** All that the upstream has sent so far is there, and no more. */
export async function half(page, world) {
  const length = await reportOf(page, world, `#answer[data-length="${HALF}"]`, 'data-length')
  assert.equal(length, HALF)
}
