// Everything a test needs, started fresh and taken down after it: API server, recorder, page, and a person's browser.
import { test } from 'node:test'
import { startApi } from './api.js'
import { startCutProxy } from '../../lib/cut-proxy.js'
import { ENGINES } from '../../lib/engines.js'
import { sharedBrowser } from '../../lib/shared-browser.js'
import { Gate } from '../../lib/gate.js'
import { startKillableRecorder } from '../../lib/killable-recorder.js'
import { startSite } from './site.js'

/** A test in each engine. `run(t, engine)` starts its world itself. */
export function testInEachEngine(name, run) {
  for (const engine of ENGINES) test(`${name} (${engine})`, (t) => run(t, engine))
}

/**
 * - `engine`: of the browser.
 * - `recorderAt`: how the page reaches the recorder. `'mount'`: under its own origin, through Vite's proxy (`/df`);
 *   `'direct'`: at its own address; `'cut'`: at its own address, through a TCP proxy that can cut.
 * - `reconnect`: the transport's option of that name.
 * - `page`: `'chat'` (the example), or one of those in site.js.
 * - `delayMs`: the model's pause before each word.
 */
export async function startWorld(t, { engine, recorderAt = 'mount', reconnect = 'live', page = 'chat', delayMs } = {}) {
  const stops = []
  const keep = async (starting) => {
    const started = await starting
    stops.push(() => started.stop())
    return started
  }
  t.after(async () => {
    gate.open()
    for (const stop of stops.reverse()) await stop()
  })

  const gate = new Gate({ delayMs })
  const api = await keep(startApi({ gate }))
  const recorder = await keep(startKillableRecorder())
  const proxy = recorderAt === 'cut' ? await keep(startCutProxy({ targetPort: recorder.port })) : undefined
  const host = { mount: '/df', direct: recorder.url, cut: proxy?.url }[recorderAt]
  const env = { VITE_DURABLEFETCH_HOST: host, VITE_RECONNECT: reconnect }
  const site = await keep(startSite({ page, apiUrl: api.url, recorderUrl: recorder.url, env }))
  const browser = await sharedBrowser(engine)
  /** A person of their own, who has nothing stored. */
  const newPerson = async () => {
    const context = await browser.newContext()
    stops.push(() => context.close())
    return context
  }
  return { gate, api, recorder, proxy, site, newPerson, context: await newPerson(), page }
}
