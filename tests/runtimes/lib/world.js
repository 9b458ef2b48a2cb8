// What the projects talk to: a real recorder and an upstream, fresh for each test.
import { startRecorder } from '../../lib/recorder.js'
import { nowhere, startUpstream } from './upstream.js'

/** `args`: more flags of `durablefetch serve`. */
export async function startWorld(t, { args } = {}) {
  const recorder = await startRecorder({ args })
  t.after(() => recorder.stop())
  const upstream = await startUpstream(t)
  const places = { recorder: recorder.url, upstream: upstream.url, nowhere: await nowhere(), id: crypto.randomUUID() }
  return {
    ...places,
    asked: upstream.asked,
    /** For a page's address and, as PLACES, for a process's environment. */
    query: new URLSearchParams(places).toString(),
    env: { PLACES: JSON.stringify(places) },
    recorderOutput: recorder.output,
  }
}
