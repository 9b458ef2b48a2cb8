import { behave, inPage } from '../behaviour.mjs'
import { initDurableFetch, DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch/slim'

const wasm = new URL('durablefetch/wasm', import.meta.url)

inPage(async (places) => {
  await initDurableFetch(wasm)
  return behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)
})
