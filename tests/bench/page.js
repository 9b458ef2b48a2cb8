// What is measured, in the page. `kind` is 'native' or 'ours', which read the same recordings from the same recorder, or
// 'rival', which reads a stream of the same bytes from its own server.
import { DurableFetchClient } from './df.js'
import { stream } from './rival.js'

let df, recorder, onReconnect

export function begin(host) {
  recorder = host
  df = new DurableFetchClient({ durablefetchHost: host, onReconnect: (event) => onReconnect?.(event) })
}

const fetchOf = {
  native: (url) => fetch(`${recorder}/${url}`, { cache: 'no-store' }),
  ours: (url) => df.fetch(url),
  async rival(url) {
    const response = await stream({ url, offset: '-1', live: true })
    return {
      get body() {
        return response.bodyStream()
      },
      arrayBuffer: async () => (await response.body()).buffer,
    }
  },
}

/** Nobody else's garbage in the measurement. */
const settled = async () => {
  gc()
  await new Promise((resolve) => setTimeout(resolve, 20))
}

const READ = {
  async reader(response) {
    const reader = response.body.getReader()
    let bytes = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return bytes
      bytes += value.length
    }
  },
  arrayBuffer: async (response) => (await response.arrayBuffer()).byteLength,
}

/** MB/s of a body that is stored. */
export async function bulk(kind, how, url, bytes) {
  await settled()
  const began = performance.now()
  const read = await READ[how](await fetchOf[kind](url))
  const seconds = (performance.now() - began) / 1000
  if (read !== bytes) throw new Error(`${kind} read ${read} of ${bytes} bytes`)
  return bytes / 1e6 / seconds
}

const LIVE = {
  ...fetchOf,
  /** Straight from the upstream. */
  native: (url) => fetch(url, { cache: 'no-store' }),
  /** What the recorder's part of it is: through it, without the client. */
  bare: fetchOf.native,
}

/** MB/s of a body that its upstream sends meanwhile. */
export async function live(kind, url, bytes) {
  await settled()
  const began = performance.now()
  const read = await READ.reader(await LIVE[kind](url))
  const seconds = (performance.now() - began) / 1000
  if (read !== bytes) throw new Error(`${kind} read ${read} of ${bytes} bytes`)
  return bytes / 1e6 / seconds
}

/** Milliseconds from each chunk's sending to its arrival in the app, of several streams at once. */
export async function latency(kind, urls) {
  await settled()
  const decoder = new TextDecoder()
  const all = await Promise.all(
    urls.map(async (url) => {
      const taken = []
      for await (const chunk of (await fetchOf[kind](url)).body) {
        const now = performance.timeOrigin + performance.now()
        for (const line of decoder.decode(chunk).trimEnd().split('\n')) taken.push(now - Number.parseFloat(line))
      }
      return taken
    }),
  )
  return all.flat()
}

/** Milliseconds from the last chunk of a live body to its end. */
export async function ending(kind, url) {
  await settled()
  const reader = (await fetchOf[kind](url)).body.getReader()
  for (let last; ; ) {
    const { done } = await reader.read()
    const now = performance.now()
    if (done) return now - last
    last = now
  }
}

/** Milliseconds that the question takes whether a recording of so many bytes is whole. */
export async function question(url, bytes) {
  const { recording } = await df.isInProgress(url)
  const headers = {
    'durablefetch-url': url,
    'durablefetch-recording': recording,
    'durablefetch-offset': String(bytes),
  }
  const began = performance.now()
  const response = await fetch(`${recorder}/${url}`, { cache: 'no-store', headers })
  const ms = performance.now() - began
  await response.text()
  return ms
}

/**
 * Bytes of the JavaScript heap, what its buffers hold included, after each part of a long body. Garbage is collected
 * before, and buffers are freed by another thread.
 */
export async function heap(kind, url, every) {
  const samples = []
  const sample = async () => {
    for (let turn = 0; turn < 3; turn++) await settled()
    samples.push(performance.memory.usedJSHeapSize)
  }
  const reader = (await fetchOf[kind](url)).body.getReader()
  // A function of its own: nothing here holds the chunk while we look.
  const lengthOfNext = async () => (await reader.read()).value?.length
  let bytes = 0
  for (let length; (length = await lengthOfNext()) !== undefined; ) {
    bytes += length
    if (bytes >= (samples.length + 1) * every) await sample()
  }
  return { bytes, samples }
}

/** Milliseconds from the moment a body broke to the next new byte, for each cut. `cut` cuts all connections. */
export async function gaps(url, cuts) {
  const taken = []
  let broke
  onReconnect = ({ phase }) => {
    if (phase === 'waiting') broke = performance.now()
  }
  let next = 0
  for await (const _ of (await df.fetch(url)).body) {
    const now = performance.now()
    if (broke !== undefined) taken.push(now - broke)
    broke = undefined
    next += 1
    if (taken.length < cuts && next % 60 === 30) window.cut()
  }
  return taken
}

/** The same trip without us: a new connection, the recording's rest, its first byte. */
export async function bareTrip(url, offset) {
  const { recording } = await df.isInProgress(url)
  const headers = {
    'durablefetch-url': url,
    'durablefetch-recording': recording,
    'durablefetch-offset': String(offset),
  }
  const left = new AbortController()
  await window.cut()
  const began = performance.now()
  const response = await fetch(`${recorder}/${url}`, { cache: 'no-store', headers, signal: left.signal })
  await response.body.getReader().read()
  const ms = performance.now() - began
  left.abort()
  return ms
}
