import { behave, inPage } from './behaviour.mjs'
import {
  initDurableFetch,
  DurableFetchClient,
  DurableFetchError,
  isDurableFetchError,
} from '/node_modules/durablefetch/slim.js'

const wasm = '/node_modules/durablefetch/wasm/durablefetch_bg.wasm'

inPage(async (places) => {
  await initDurableFetch(wasm)
  return behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)
})
