// What the projects talk to: a real recorder and an upstream, fresh for each test.
import { startRecorder } from '../../lib/recorder.js'
import { nowhere, startUpstream } from './upstream.js'

/** `args`: more flags of `durablefetch serve`. `recorder: false`: the page's server has one of its own. */
export async function startWorld(t, { args, recorder: isOurs = true } = {}) {
  const recorder = isOurs ? await startRecorder({ flags: args }) : { output: () => 'it is the server’s' }
  if (isOurs) t.after(() => recorder.stop())
  const upstream = await startUpstream(t)
  const ours = isOurs ? { recorder: recorder.url } : {}
  const places = { ...ours, upstream: upstream.url, nowhere: await nowhere(), id: crypto.randomUUID() }
  return {
    ...places,
    asked: upstream.asked,
    /** For a page's address and, as PLACES, for a process's environment. */
    query: new URLSearchParams(places).toString(),
    env: { PLACES: JSON.stringify(places) },
    recorderOutput: recorder.output,
  }
}
