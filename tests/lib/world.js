// What every test needs besides a page: an upstream that it steers and a recorder of its own.
import { startKillableRecorder } from './killable-recorder.js'
import { startUpstream } from './scripted-upstream.js'

/** `start(thing)` keeps what was started until the test is over; the last goes first. */
export async function startWorld(t, { args } = {}) {
  const stops = []
  const start = async (starting) => {
    const started = await starting
    stops.push(() => started.stop())
    return started
  }
  t.after(async () => {
    for (const stop of stops.reverse()) await stop()
  })
  const upstream = await start(startUpstream())
  const recorder = await start(startKillableRecorder({ args }))
  return { upstream, recorder, start }
}
