// The translated module fails as a panic does, by an Error, wherever it next copies within its memory.
import { inPage } from './behaviour.mjs'
import { traps } from './traps.js'
import { DurableFetchClient as Other } from '/node_modules/durablefetch/index.js'
import { DurableFetchClient, DurableFetchError } from '/node_modules/durablefetch/js.js'

/** Only a module's memory is as large as that when it is made. */
const SIZE = 1 << 20
const made = []
const broken = new WeakSet()
globalThis.ArrayBuffer = new Proxy(ArrayBuffer, {
  construct(target, args, self) {
    const buffer = Reflect.construct(target, args, self)
    if (args[0] > SIZE) made.push(buffer)
    return buffer
  },
})
const { copyWithin } = Uint8Array.prototype
Uint8Array.prototype.copyWithin = function (...args) {
  if (broken.has(this.buffer)) throw new Error('broken on purpose')
  return copyWithin.apply(this, args)
}

inPage((places) =>
  traps(
    {
      DurableFetchClient,
      DurableFetchError,
      Other,
      corrupt: () => broken.add(made.at(-1)),
      // A memory that grows is another buffer, and larger.
      made: () => made.filter(({ byteLength }) => byteLength === made[0].byteLength).length,
      isOfModule: ({ stack }) => stack.includes('translated/module.js'),
    },
    places,
  ),
)
