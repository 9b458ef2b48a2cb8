// Silence: what is alive is waited for, what is dead or held back is not. A second of the client's patience stands for a
// minute; patience-in-earnest has the defaults.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { within } from '../lib/deadline.js'
import { inEachEngine } from '../lib/each-engine.js'
import { listen } from '../lib/listen.js'
import { freshProject } from '../lib/project.js'
import { startWorld } from '../lib/world.js'
import { askingIn, assertWhole, isContinuation, isStart, isStatus, PATIENT, QUESTION } from './lib/asking.js'
import { startFront } from '../lib/front.js'
import { startHttpProxy } from './lib/http-proxy.js'
import { startPages } from './lib/page.js'

const FIRST = 'the first event, '
const REST = 'and the rest'

inEachEngine('patience', async (t, engine, check) => {
  const pages = await startPages(t, engine)

  const asking = askingIn(pages)

  await check('a head that takes its time: one request, asked about', async (t) => {
    const world = await asking(t)
    await world.proxy.until(3, isStatus)
    world.asked.head()
    world.asked.end(REST)
    await assertWhole(world, REST)
    assert.equal(world.proxy.seen.filter(isStart).length, 1, 'it was the same request all the time')
    assert.deepEqual(await world.page.reconnects(), [], 'nothing was lost')
  })

  await check('a start that is lost on its way is sent again once the recorder says so', async (t) => {
    const { upstream, recorder, start } = await startWorld(t)
    const proxy = await start(startHttpProxy({ targetPort: recorder.port }))
    const page = await pages.open(t, proxy.url, { retry: undefined, ...PATIENT })
    // The recorder is known, so that only the start is lost.
    await page.call('isInProgress', upstream.address())
    const address = upstream.address()
    proxy.answerNext({ never: true })
    await page.begin('one', address, QUESTION)
    const asked = await upstream.asked(address)
    asked.head()
    asked.end(REST)
    await assertWhole({ upstream, page, address }, REST)
    const [first, second, ...more] = proxy.seen.filter(isStart).map(({ headers }) => headers['durablefetch-request'])
    assert.deepEqual([second, more], [first, []], 'the same id')
  })

  await check('a proxy that holds heads until there is a byte, and a silence', async (t) => {
    const world = await asking(t, { holds: 'heads' })
    world.asked.head()
    world.asked.write(FIRST)
    await world.page.until('one', FIRST.length)
    // The silent body is continued, and the head of that is held.
    await world.proxy.until(1, isContinuation)
    await world.proxy.until(3, isStatus)
    world.asked.end(REST)
    await assertWhole(world, FIRST + REST)
  })

  await check('a proxy that holds bodies while the recorder has more', async (t) => {
    const { page, asked, proxy } = await asking(t, { holds: 'bodies' })
    asked.head()
    asked.write(FIRST)
    const { text: read, end } = await page.end('one')
    assert.deepEqual([read, end.code, end.name], ['', 'intermediary', 'DurableFetchError'])
    const host = proxy.url.replaceAll('.', '\\.')
    assert.match(
      end.message,
      new RegExp(`^network error: a proxy in front of ${host} passes status calls and holds bodies$`),
    )
    assert.equal(asked.state, 'open', 'the recording goes on')
  })

  await check('a status that comes from a cache proves nothing', async (t) => {
    const world = await asking(t)
    world.asked.head()
    world.asked.write(FIRST)
    await world.page.until('one', FIRST.length)
    // No continuation comes through, and whoever asks is told of another recording.
    world.proxy.answerNext({ never: true })
    const old = JSON.stringify({ inProgress: true, completed: false, state: 'streaming', bytesStored: 0, url: 'other' })
    world.proxy.answerNext({ status: 200, headers: { 'content-type': 'application/json' }, text: old })
    world.proxy.stall()
    world.asked.end(REST)
    await assertWhole(world, FIRST + REST)
  })

  await check("the app's page answers in the recorder's place", async (t) => {
    const { upstream, start } = await startWorld(t)
    const front = await start(startFront({ root: pages.dir }))
    const page = await pages.open(t, '/df', {}, { address: front.url })
    await page.begin('one', upstream.address(), QUESTION)
    const { end } = await page.end('one')
    assert.equal(end.code, 'unreachable', JSON.stringify(end))
    assert.match(
      end.message,
      /what answers at \/df is not a durablefetch recorder \(200, text\/html\): is the rewrite there\?$/,
    )
    assert.deepEqual(await page.reconnects(), [], 'at once')
  })

  for (const status of [200, 404, 405]) {
    await check(`another program is at the recorder's address and answers ${status}`, async (t) => {
      const { upstream, start } = await startWorld(t)
      const other = await start(startOther(status))
      const page = await pages.open(t, other.url)
      await page.begin('one', upstream.address(), QUESTION)
      const { end } = await page.end('one')
      assert.equal(end.code, 'unreachable', JSON.stringify(end))
      assert.match(end.message, new RegExp(`is not a durablefetch recorder \\(${status}, text/plain\\)`))
      assert.equal((await page.call('isInProgress', upstream.address())).failed.code, 'unreachable')
    })
  }

  await check('no recorder, and requests go straight to their server until there is one', async (t) => {
    const { upstream, recorder } = await startWorld(t)
    await recorder.kill()
    const page = await pages.open(t, recorder.url, { whenUnreachable: 'direct', retry: undefined })
    for (const name of ['one', 'two']) {
      const address = upstream.address()
      await page.begin(name, address, QUESTION)
      const asked = await upstream.asked(address)
      asked.head(200, { 'content-type': 'text/plain', 'access-control-allow-origin': '*' })
      asked.end(REST)
      const { text, end, url } = await page.end(name)
      assert.deepEqual([text, end, url, asked.body], [REST, 'clean', address, 'Why?'])
    }
    const lines = await page.page.console()
    assert.equal(lines.filter((line) => line.includes("whenUnreachable: 'direct'")).length, 1, lines.join('\n'))
    await recorder.restart()
    const address = upstream.address()
    await page.begin('three', address, QUESTION)
    const asked = await upstream.asked(address)
    asked.head()
    asked.end(REST)
    assert.equal((await page.end('three')).end, 'clean')
    assert.equal((await page.call('isInProgress', address)).completed, true, 'it was recorded')
  })

  await check('no recorder, and requests fail without asking their server', async (t) => {
    const { upstream, recorder } = await startWorld(t)
    await recorder.kill()
    const page = await pages.open(t, recorder.url, {
      retry: { initialDelayMs: 20, maxDelayMs: 200, giveUpAfterMs: 800 },
    })
    const address = upstream.address()
    await page.begin('one', address, QUESTION)
    const { end } = await page.end('one')
    assert.equal(end.code, 'unreachable')
    assert.match(end.hint, new RegExp(`^Is the recorder running, .*--origin ${new URL(pages.url).origin}`))
    assert.equal(upstream.count(address), 0)
  })
})

test('a script of Node.js that looks at the status and returns has ended', async (t) => {
  const { dir } = await freshProject(t, fileURLToPath(new URL('../lib/page', import.meta.url)))
  const { upstream, recorder } = await startWorld(t)
  const address = upstream.address()
  const file = join(dir, 'script.mjs')
  const client = `new DurableFetchClient({ durablefetchHost: '${recorder.url}' })`
  const look = `import { DurableFetchClient } from 'durablefetch'\nconsole.log((await ${client}.fetch('${address}')).ok)`
  await writeFile(file, look)
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const said = text(child.stdout)
  const asked = await upstream.asked(address)
  asked.head()
  asked.end(REST)
  const [code] = await within(15_000, 'the script ends', once(child, 'exit'))
  assert.deepEqual([code, await said], [0, 'true\n'])
})

/** Some other program. It lets pages of other origins read what it says. */
async function startOther(status) {
  const server = createServer((request, response) => {
    request.resume()
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' }
    response.writeHead(request.method === 'OPTIONS' ? 204 : status, { 'content-type': 'text/plain', ...cors }).end()
  })
  const { port, stop } = await listen(server)
  return { url: `http://localhost:${port}`, stop }
}
