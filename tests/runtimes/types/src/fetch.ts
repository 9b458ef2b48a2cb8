// The client's fetch is a fetch, wherever one is asked for; and both entries have the same types.
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'
import * as slim from 'durablefetch/slim'

const df = new DurableFetchClient({ durablefetchHost: '/df', fetch: globalThis.fetch })
export const asFetch: typeof fetch = df.fetch
export const asGlobal: typeof globalThis.fetch = new slim.DurableFetchClient().fetch
export const called: Promise<Response> = df.fetch(new Request('https://api.example/'), { method: 'POST', body: '{}' })

export const ready: Promise<void>[] = [
  slim.initDurableFetch('/durablefetch_bg.wasm'),
  slim.initDurableFetch(fetch('/durablefetch_bg.wasm')),
  slim.initDurableFetch(new Uint8Array(8)),
  slim.initDurableFetch(WebAssembly.compileStreaming(fetch('/durablefetch_bg.wasm'))),
]

export function explain(error: unknown): string {
  if (error instanceof slim.DurableFetchError) return error.code
  if (isDurableFetchError(error)) return `${error.name}: ${error.message}, ${error.status?.toFixed() ?? ''}`
  const other: slim.DurableFetchError | undefined = error instanceof DurableFetchError ? error : undefined
  return String(other)
}

// @ts-expect-error: a number is not an address
df.fetch(8787)
