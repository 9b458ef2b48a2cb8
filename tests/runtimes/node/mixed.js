// import, require() and slim in one process; slim has the module as bytes.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { behaveMixed, inProcess } from './behaviour.mjs'
import * as imported from 'durablefetch'
import * as slim from 'durablefetch/slim'

const require = createRequire(import.meta.url)

inProcess(async (places) => {
  const bytes = await readFile(require.resolve('durablefetch/wasm'))
  const report = await behaveMixed(imported, slim, bytes, places)
  const required = require('durablefetch')
  report.oneErrorClass &&= required.DurableFetchClient === imported.DurableFetchClient
  return report
})
