// Used on the server in the edge runtime, where WebAssembly cannot be compiled at run time.
import { behave, reported } from '../../behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

export const runtime = 'edge'

export async function GET(request) {
  const places = Object.fromEntries(new URL(request.url).searchParams)
  return Response.json(
    await reported(() => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)),
  )
}
