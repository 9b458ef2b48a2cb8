// A CommonJS file has the types by import type and import().
import type { DurableFetchClient } from 'durablefetch' with { 'resolution-mode': 'import' }

export async function make(): Promise<DurableFetchClient> {
  const { DurableFetchClient } = await import('durablefetch')
  return new DurableFetchClient()
}
