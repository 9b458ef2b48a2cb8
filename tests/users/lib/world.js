// Everything a case needs, started fresh: mock upstream, recorder, and between client and recorder a proxy that cuts.
import { Gate } from '../../lib/gate.js'
import { startCutProxy } from '../../lib/cut-proxy.js'
import { startKillableRecorder } from '../../lib/killable-recorder.js'
import { startUpstream } from './upstream.js'

export async function startWorld(t) {
  const stops = []
  const keep = async (starting) => {
    const started = await starting
    stops.push(() => started.stop())
    return started
  }
  const gate = new Gate()
  t.after(async () => {
    gate.open()
    for (const stop of stops.reverse()) await stop()
  })
  const upstream = await keep(startUpstream({ gate }))
  const recorder = await keep(startKillableRecorder())
  const proxy = await keep(startCutProxy({ targetPort: recorder.port }))
  return { gate, upstream, recorder, proxy }
}
