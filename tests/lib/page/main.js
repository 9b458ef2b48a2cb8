// One page for all tests: responses by name, read to their ends, and what became of them.
import { DurableFetchClient, isDurableFetchError } from '/node_modules/durablefetch/index.js'

const readings = new Map()
let df

/** What tests ask of the page. */
window.driver = {
  /**
   * The client of everything that follows. Its reconnections are written down. `tokens`, and `keys` for the header
   * `x-api-key`: one after the other, the last for ever.
   */
  make({ tokens, keys, ...options }) {
    window.reconnects = []
    window.keysAsked = 0
    const next = (all) => (all.length > 1 ? all.shift() : all[0])
    const token = tokens && (() => next(tokens))
    const headers = keys && (async () => ({ 'x-api-key': next(keys), n: String(++window.keysAsked) }))
    df = new DurableFetchClient({ ...options, token, headers, onReconnect: (event) => window.reconnects.push(event) })
    return typeof df.stopChat === 'function'
  },

  /** Fetches; reads to the end unless `held`. `abortable`: `abort` may be called. */
  begin(name, url, init = {}, { held = false, abortAfterMs } = {}) {
    const controller = new AbortController()
    const signal = abortAfterMs === undefined ? controller.signal : AbortSignal.timeout(abortAfterMs)
    const reading = { text: '', length: 0, controller, end: undefined, waiting: [] }
    readings.set(name, reading)
    run(reading, df.fetch(url, { ...init, signal }), held)
  },

  /** Goes on with a body that was held. */
  read: (name) => void follow(readings.get(name)),

  /** Resolves once so many bytes have come, or the end. */
  until: async (name, length) => {
    const reading = readings.get(name)
    while (reading.length < length && !reading.end) await changed(reading)
    return facts(reading)
  },

  /** Resolves when the response is over. */
  end: async (name) => {
    const reading = readings.get(name)
    while (!reading.end) await changed(reading)
    return facts(reading)
  },

  /** So many fetches of small recordings: replayed, cancelled, aborted, recorded anew; four at a time. */
  many: async (count, url) => {
    let started = 0
    const one = [
      async (url) => (await df.fetch(url)).text(),
      async (url) => (await df.fetch(url)).body.cancel(),
      async (url) => {
        const controller = new AbortController()
        const { body } = await df.fetch(url, { signal: controller.signal })
        controller.abort()
        await body
          .getReader()
          .read()
          .catch(() => {})
      },
      async (url) => (await df.fetch(url, { headers: { 'durablefetch-mode': 'restart' } })).text(),
    ]
    const worker = async (name) => {
      while (started < count) await one[started++ % one.length](`${url}?worker=${name}`)
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(worker))
  },

  state: (name) => facts(readings.get(name)),
  abort: (name, reason) => readings.get(name).controller.abort(reason && new RangeError(reason)),
  cancel: (name) => readings.get(name).reader.cancel(),
  reconnects: () => window.reconnects,
  call: async (method, ...args) => {
    try {
      return await df[method](...args)
    } catch (error) {
      return { failed: told(error) }
    }
  },
}

async function run(reading, promise, held) {
  try {
    const response = await promise
    Object.assign(reading, { status: response.status, url: response.url })
    reading.reader = response.body?.getReader()
    change(reading)
    if (!reading.reader) reading.end = 'clean'
    else if (!held) await follow(reading)
  } catch (error) {
    reading.end = told(error)
  }
  change(reading)
}

async function follow(reading) {
  const decoder = new TextDecoder()
  try {
    for (;;) {
      const { value, done } = await reading.reader.read()
      if (done) break
      reading.length += value.length
      // Of what is large only the length is of interest.
      if (reading.length < 1 << 20) reading.text += decoder.decode(value, { stream: true })
      change(reading)
    }
    reading.end = 'clean'
  } catch (error) {
    reading.end = told(error)
  }
  change(reading)
}

const change = (reading) => reading.waiting.splice(0).forEach((resolve) => resolve())
const changed = (reading) => new Promise((resolve) => reading.waiting.push(resolve))

function told(error) {
  const { name, message, code, status, hint } = error
  return { name, message, code, status, hint, ours: isDurableFetchError(error) }
}

function facts({ status, url, length, text, end, reader }) {
  return { status, url, length, text, end, begun: Boolean(reader) }
}
