import { behave, reported } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

export default {
  async fetch(request) {
    const places = Object.fromEntries(new URL(request.url).searchParams)
    return Response.json(
      await reported(() => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)),
    )
  },
}
