// @ts-check
// Without WebAssembly: the module as JavaScript that does the same, for places that refuse the other.
import { clientClass } from './client.js'
import { guard } from './guard.js'
import { living } from './instance.js'
import { demand } from './needs.js'
import { begin } from './platform.js'
import { glue } from './translated/durablefetch.js'
import { instantiate } from './translated/module.js'

export { DurableFetchError, isDurableFetchError } from './error.js'

export const DurableFetchClient = /* @__PURE__ */ clientClass(
  /* @__PURE__ */ living(() => {
    demand()
    const life = begin()
    const { Client, initSync } = glue(guard(life))
    initSync(instantiate)
    return { life, Client }
  }),
)
