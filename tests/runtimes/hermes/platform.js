// What React Native brings along, and an app loads: the same packages, or what they are made of. React Native's own Blob, and
// random numbers, are native code, so that they are stood in for.
import 'web-streams-polyfill/polyfill'
import 'abort-controller/polyfill'
import 'fast-text-encoding'
import 'core-js/web/url'

/** Of texts and Blobs alone, like the native one. */
class Blob {
  constructor(parts = [], { type = '' } = {}) {
    for (const part of parts) {
      if (typeof part !== 'string' && !(part instanceof Blob)) throw new Error('not supported')
    }
    this.words = parts.map((part) => part.words ?? part).join('')
    this.size = new TextEncoder().encode(this.words).length
    this.type = type
  }
}

const log = (...args) => print(...args)
Object.assign(globalThis, {
  Blob,
  FileReader: class {},
  console: { log, info: log, warn: log, error: log, debug: log, assert: () => {} },
  crypto: { getRandomValues: (bytes) => bytes.map((_, at) => (bytes[at] = Math.random() * 256)) },
  self: globalThis,
  window: globalThis,
})
