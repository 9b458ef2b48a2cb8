// A recorder, and clients of it in Node, for tests that cut nothing.
import { startRecorder } from '../../lib/recorder.js'

/** Stopped after the test. */
export async function recorderFor(t) {
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  return recorder
}
