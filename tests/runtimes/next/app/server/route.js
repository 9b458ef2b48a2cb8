// Used on the server itself.
import { behave, reported } from '../../behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

export const dynamic = 'force-dynamic'

export async function GET(request) {
  const places = Object.fromEntries(new URL(request.url).searchParams)
  return Response.json(
    await reported(() => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)),
  )
}
