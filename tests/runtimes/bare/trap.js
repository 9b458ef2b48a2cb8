// The memory of the instance is overwritten, as a stray pointer would do it but thoroughly, with what is not an address: whatever
// runs next in there traps.
import { inPage } from './behaviour.mjs'
import { traps } from './traps.js'
import { DurableFetchClient, DurableFetchError } from '/node_modules/durablefetch/index.js'
import { initDurableFetch, DurableFetchClient as Other } from '/node_modules/durablefetch/slim.js'

const made = []
WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, args) {
    const instance = Reflect.construct(target, args)
    made.push(instance)
    return instance
  },
})
/** The exports have short names: a memory is known by what it is. */
const memory = () => Object.values(made.at(-1).exports).find((value) => value instanceof WebAssembly.Memory)

inPage(async (places) => {
  const corrupt = () => new Uint8Array(memory().buffer).fill(0x55)
  const isOfModule = ({ stack }) => stack.includes('wasm-function')
  const report = await traps(
    { DurableFetchClient, DurableFetchError, Other, corrupt, made: () => made.length, isOfModule },
    places,
  )
  await initDurableFetch('never asked for: there is an instance')
  return report
})
