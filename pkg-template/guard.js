// @ts-check
// A trap (a panic of Rust, memory run out, a stack too deep) leaves the memory of an instance as nobody meant it:
// nothing of it may run again. Every function of an instance goes through here, which makes a trap the end of that
// instance: what waits for it rejects, what it still listens to finds nobody.
import { DurableFetchError } from './error.js'

/** @typedef {typeof globalThis.WebAssembly} Wasm */

/**
 * Whether it was Rust that threw this, and not something that the app had passed in.
 * @param {any} cause
 * @param {Wasm} [wasm]
 */
const isTrap = (cause, wasm) =>
  (wasm && cause instanceof wasm.RuntimeError) ||
  // Where the stack ends within wasm: V8 and JavaScriptCore, SpiderMonkey.
  cause instanceof RangeError ||
  cause?.name === 'InternalError' ||
  // How wasm-bindgen panics, and all of the translated module: by an error that unwinds nothing in Rust.
  cause?.constructor === Error

/** All that is in the table of an instance. @param {any} exports @param {Wasm} wasm */
function inTable(exports, wasm) {
  const table = Object.values(exports).find((value) => value instanceof wasm.Table)
  return Array.from(table, (_, index) => table.get(index))
}

/**
 * Guards the functions of one instance, and those of its closures that JavaScript holds.
 * @param {import('./platform.js').Life} life ended by the first trap
 * @param {Wasm} [wasm] unless the module is translated
 */
export function guard(life, wasm) {
  /** Whatever Rust holds of JavaScript. @type {() => any[]} */
  let held
  /** @type {Set<(error: unknown) => void>} */
  const waiting = new Set()
  let depth = 0

  /** @param {unknown} cause */
  function end(cause) {
    const message = 'The client broke down and starts anew with the next call: an error in durablefetch itself'
    life.error = new DurableFetchError('internal', message, { cause })
    for (const reject of waiting) reject(life.error)
    waiting.clear()
    for (const off of life.listening) off()
    // Its open connections.
    for (const value of held()) if (value instanceof AbortController) value.abort(life.error)
  }

  /** @param {Promise<unknown>} promise one that only this instance can settle */
  function following(promise) {
    if (life.error) return Promise.reject(life.error)
    return new Promise((resolve, reject) => {
      waiting.add(reject)
      promise.then(resolve, reject).finally(() => waiting.delete(reject))
    })
  }

  /** What a function of the instance answers. @param {any} result */
  const given = (result) => (result instanceof Promise ? following(result) : result)

  /** @param {boolean} app @param {boolean} loud @param {(...args: any[]) => any} call */
  function guarded(app, loud, call) {
    return (/** @type {any[]} */ ...args) => {
      // Within a call of this very instance an error takes that call down, too.
      if (life.error) {
        if (loud || depth) throw life.error
        return
      }
      depth++
      try {
        return given(call(...args))
      } catch (cause) {
        // What nobody hears would leave something waiting for ever, whatever it is.
        if (!life.error && (!app || isTrap(cause, wasm))) end(cause)
        if (!life.error) throw cause
        if (loud || depth > 1) throw life.error
      } finally {
        depth--
      }
    }
  }

  return {
    given,

    /**
     * @param {any} all of the instance
     * @param {string[]} app what the app calls: there an error is heard
     * @param {string[]} loud what fails as loud; streams hear it and closures (below) swallow it. All else tidies up,
     * and is done for.
     * @param {any[]} [heap] where Rust keeps what it holds of JavaScript, if not in a table
     * @returns {any} the same, guarded
     */
    exports(all, app, loud, heap) {
      held = () => heap ?? (wasm ? inTable(all, wasm) : [])
      return Object.fromEntries(
        Object.entries(all).map(([name, value]) => {
          if (typeof value !== 'function') return [name, value]
          const isApp = app.includes(name)
          return [name, guarded(isApp, isApp || loud.includes(name), value)]
        }),
      )
    },

    /**
     * For timers and listeners: they have nobody to tell, and what waits for them has been told.
     * @param {(...args: any[]) => any} call
     */
    closure(call) {
      return (/** @type {any[]} */ ...args) => {
        try {
          return call(...args)
        } catch (error) {
          if (depth || error !== life.error) throw error
        }
      }
    },
  }
}
