// What an example talks to: a real recorder, and the examples' own upstream, stopped at a word of the test's choice.
import { createUpstream, wordsOf } from '../../../examples/upstream/upstream.js'
import { within } from '../../lib/deadline.js'
import { Gate } from '../../lib/gate.js'
import { listen } from '../../lib/listen.js'
import { startRecorder } from '../../lib/recorder.js'

/** What the first answer says: whole, and its first `words` words. */
export const ANSWER = wordsOf(1).join('')
export const beginning = (words) => wordsOf(1).slice(0, words).join('')

/** `flags`: of the recorder. */
export async function startWorld(t, flags = []) {
  const gate = new Gate()
  const server = createUpstream({ pace: gate.pace })
  let asked = 0
  let hangUp
  const hungUp = new Promise((resolve) => (hangUp = resolve))
  server.on('request', (_, response) => {
    asked += 1
    response.on('close', () => response.writableFinished || hangUp())
  })
  const { port, stop } = await listen(server)
  const recorder = await startRecorder({ flags })
  t.after(async () => {
    gate.open()
    await recorder.stop()
    await stop()
  })
  const upstream = `http://localhost:${port}`
  return {
    gate,
    upstream,
    recorder,
    /** How often the upstream was asked. */
    asked: () => asked,
    /** Resolves once it was hung up on in the middle of an answer. */
    hungUp: () => within(20_000, 'the upstream is hung up on', hungUp),
    env: {
      RECORDER_URL: recorder.url,
      UPSTREAM_URL: upstream,
      OPENAI_BASE_URL: `${upstream}/v1`,
      OPENAI_API_KEY: undefined,
    },
  }
}
