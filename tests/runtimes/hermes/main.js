// A start, a cut in the middle of its body, and the continuation, whose recorder is a script.
import './platform'
import 'whatwg-fetch'
import { DurableFetchClient, DurableFetchError } from 'durablefetch/js'

const URL_OF_ANSWER = 'https://api.example/answer?id=1'
const RECORDING = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
/** Bytes of every value. */
const ANSWER = Uint8Array.from({ length: 1000 }, (_, at) => (at * 31 + (at >> 3)) & 255)
const CUT_AT = 613

const asked = []
const steps = []

/** As a transport of React Native answers that streams: no Response of the platform's, but what one has. */
async function scripted(address, init) {
  const headers = Object.fromEntries(new Headers(init.headers).entries())
  asked.push({ address, method: init.method, headers, body: init.body?.words })
  const step = steps.shift()
  if (!step) throw new TypeError(`the script has no step for request ${asked.length}`)
  return step(headers, init.signal)
}

const answer = (headers, given, body) => ({
  status: 200,
  ok: true,
  statusText: 'OK',
  url: '',
  headers: new Headers({
    'durablefetch-protocol': '3',
    ...(headers['durablefetch-request'] && { 'durablefetch-request': headers['durablefetch-request'] }),
    ...given,
  }),
  body,
  text: async () => body,
  json: async () => JSON.parse(body),
})

/** These chunks, then a lost connection or an end. */
function streaming(chunks, isCut) {
  const left = [...chunks]
  return new ReadableStream({
    pull(controller) {
      if (left.length) controller.enqueue(left.shift())
      else if (isCut) controller.error(new TypeError('Network request failed'))
      else controller.close()
    },
  })
}

const recorded = (offset, state, chunks, isCut, more) => (headers) =>
  answer(
    headers,
    {
      'durablefetch-state': state,
      'durablefetch-recording': RECORDING,
      'durablefetch-offset': String(offset),
      ...more,
    },
    streaming(chunks, isCut),
  )

const whole = [ANSWER.slice(0, 400), ANSWER.slice(400, CUT_AT)]
const rest = [ANSWER.slice(CUT_AT, 614), ANSWER.slice(614)]
const length = { 'durablefetch-length': String(ANSWER.length) }
const same = (bytes) => bytes.length === ANSWER.length && bytes.every((byte, at) => byte === ANSWER[at])

async function run() {
  const reconnects = []
  const onReconnect = ({ phase, offset }) => reconnects.push([phase, offset])
  const options = { durablefetchHost: 'https://recorder.example', fetch: scripted, onReconnect }
  const df = new DurableFetchClient(options)
  const report = { platform: { wasm: typeof WebAssembly, hermes: typeof HermesInternal } }

  steps.push(recorded(0, 'streaming', whole, true), recorded(CUT_AT, 'complete', rest, false, length))
  const body = '{"prompt":"grüße"}'
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  const response = await df.fetch(URL_OF_ANSWER, init)
  report.response = { isResponse: response instanceof Response, status: response.status, url: response.url }
  const bytes = []
  const reader = response.body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) bytes.push(...next.value)
  report.body = same(bytes)
  report.reconnects = reconnects
  report.asked = asked.splice(0)

  // Read by the Response's own methods, of which one of a clone.
  steps.push(recorded(0, 'complete', [ANSWER], false, length))
  const again = await df.fetch(URL_OF_ANSWER)
  const copy = again.clone()
  report.buffer = same(new Uint8Array(await again.arrayBuffer()))
  report.used = [again.bodyUsed, copy.bodyUsed]
  report.copy = same(await copy.bytes())
  report.twice = await again.text().catch(({ name }) => name)
  const words = new TextEncoder().encode('{"said":"grüße"}')
  const size = { 'durablefetch-length': String(words.length) }
  steps.push(recorded(0, 'complete', [words], false, size))
  report.json = await (await df.fetch(URL_OF_ANSWER)).json()

  // What ends a body, and an abort, whose signal has no reason here.
  steps.push(recorded(0, 'failed', [ANSWER.slice(0, 9)], false, { 'durablefetch-length': '9' }))
  report.failed = await rejection(async () => (await df.fetch(URL_OF_ANSWER)).text())
  const controller = new AbortController()
  steps.push((_headers, signal) => {
    Promise.resolve().then(() => controller.abort())
    return new Promise((_, reject) => signal.addEventListener('abort', reject))
  })
  report.aborted = await rejection(() => df.fetch(URL_OF_ANSWER, { signal: controller.signal }))
  report.left = steps.length
  return report
}

async function rejection(call) {
  try {
    await call()
    return 'no rejection'
  } catch (error) {
    return { name: error?.name, code: error?.code, ours: error instanceof DurableFetchError }
  }
}

run().then(
  (report) => print(JSON.stringify(report)),
  (error) => print(JSON.stringify({ error: String(error?.stack ?? error) })),
)
