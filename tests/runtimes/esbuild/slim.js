import { behave, inPage } from './behaviour.mjs'
import { initDurableFetch, DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch/slim'
import wasm from 'durablefetch/wasm'

inPage(async (places) => {
  await initDurableFetch(wasm)
  return behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)
})
