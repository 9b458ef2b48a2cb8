import { expect, inject, test } from 'vitest'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'
import { behave, reported } from './behaviour.mjs'

test('it does what it does everywhere', async () => {
  const report = await reported(() =>
    behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, inject('places')),
  )
  console.log(JSON.stringify(report))
  expect(report.error).toBeUndefined()
})
