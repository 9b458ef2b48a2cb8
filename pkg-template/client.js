// @ts-check
// The class that apps see: its methods are own properties, so that they can be passed around detached.

const METHODS = [
  'fetch',
  'isInProgress',
  'delete',
  'stop',
  'chatTransport',
  'stopChat',
  'saveLastMessage',
  'lastMessage',
  'clearLastMessage',
  'resumeLastMessage',
]

/**
 * @param {(options: unknown) => any} create makes the part that is in wasm, instantiating it if need be
 */
export function clientClass(create) {
  return class DurableFetchClient {
    /** @param {unknown} [options] */
    constructor(options) {
      const core = create(options)
      for (const name of METHODS) {
        /** @param {unknown[]} args */
        const method = (...args) => core[name](...args)
        Object.defineProperty(this, name, { value: method, enumerable: true, configurable: true, writable: true })
      }
    }
  }
}
