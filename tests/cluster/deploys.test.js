// Deploys under live chats: nothing that is under way is cut, and nothing is asked twice.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startCluster } from '../lib/cluster.js'
import { within } from '../lib/deadline.js'
import { openBrowser } from '../lib/engines.js'
import { startFront } from '../lib/front.js'
import { listen } from '../lib/listen.js'
import { freshProject } from '../lib/project.js'
import { chat, words } from './asking.js'

const DEPLOYS = Number(process.env.DEPLOYS ?? 10)
const CHATS = Number(process.env.CHATS ?? 200)
const IN_A_PAGE = Math.ceil(CHATS / 20)
/** The model's pause before each word: an answer takes five seconds. */
const PACE_MS = 200

/** The model, and how often each question has reached it. */
async function startModel() {
  const asked = new Map()
  const server = createServer(async (request, response) => {
    const question = await text(request)
    asked.set(question, (asked.get(question) ?? 0) + 1)
    response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders()
    for (const word of words(question)) {
      await pause(PACE_MS)
      if (response.destroyed) return
      response.write(word)
    }
    response.end()
  })
  const { port, stop } = await listen(server)
  return { asked, stop, address: (name) => `http://127.0.0.1:${port}/chats/${name}` }
}

/** Runs chats in a page until it is told to stop. */
async function inAPage(t, { dir, host, addresses }) {
  const files = { '/asking.js': await readFile(new URL('./asking.js', import.meta.url), 'utf8') }
  const front = await startFront({ root: dir, files })
  t.after(() => front.stop())
  const page = await openBrowser('chromium')
  t.after(() => page.close())
  await page.goto(front.url)
  await page.evaluate(
    async (host, addresses) => {
      const { DurableFetchClient } = await import('/node_modules/durablefetch/index.js')
      const { chat } = await import('/asking.js')
      window.stopped = false
      const run = ([name, address]) =>
        chat(new DurableFetchClient({ durablefetchHost: host }), address, name, () => !window.stopped)
      window.told = Promise.all(addresses.map(run))
    },
    host,
    addresses,
  )
  return {
    stop: () => page.evaluate(() => (window.stopped = true)),
    told: () => page.evaluate(() => window.told),
    errors: () => page.errors(),
  }
}

test(`${DEPLOYS} rolling deploys under ${CHATS} chats: every answer is whole, and no question is asked twice`, async (t) => {
  const model = await startModel()
  t.after(() => model.stop())
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  const { dir } = await freshProject(t, fileURLToPath(new URL('./project', import.meta.url)))
  const { DurableFetchClient } = await import(pathToFileURL(join(dir, 'node_modules/durablefetch/index.js')))
  const names = Array.from({ length: CHATS }, (_, index) => [`chat${index}`, model.address(`chat${index}`)])

  let [stopped, reconnects] = [false, 0]
  const onReconnect = ({ phase }) => phase === 'connected' && reconnects++
  const client = () => new DurableFetchClient({ durablefetchHost: cluster.url, onReconnect })
  const page = await inAPage(t, { dir, host: cluster.url, addresses: names.slice(0, IN_A_PAGE) })
  const inNode = names.slice(IN_A_PAGE).map(([name, address]) => chat(client(), address, name, () => !stopped))
  for (let deploy = 0; deploy < DEPLOYS; deploy += 1) {
    const began = Date.now()
    for (const node of cluster.nodes) {
      await within(120_000, 'what lives in it has ended', node.terminate())
      await node.restart()
    }
    t.diagnostic(
      `deploy ${deploy + 1}: ${((Date.now() - began) / 1000).toFixed(1)} s, ${model.asked.size} questions so far`,
    )
  }
  stopped = true
  await page.stop()
  const told = [...(await within(60_000, 'all answers', Promise.all(inNode))), ...(await page.told())]
  const answers = told.reduce((sum, { answers }) => sum + answers, 0)
  t.diagnostic(`${answers} answers, ${reconnects} reconnects in Node`)
  assert.deepEqual(
    told.flatMap(({ wrong }) => wrong),
    [],
  )
  assert.deepEqual(
    [...model.asked].filter(([, times]) => times > 1),
    [],
    'asked more than once',
  )
  assert.equal(model.asked.size, answers, 'each was asked')
  assert.deepEqual(await page.errors(), [])
})
