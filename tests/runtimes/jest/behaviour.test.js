import { expect, test } from '@jest/globals'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'
import { behave, reported } from './behaviour.mjs'

test('it does what it does everywhere', async () => {
  const report = await reported(() =>
    behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, JSON.parse(process.env.PLACES)),
  )
  console.log(JSON.stringify(report))
  expect(report.error).toBeUndefined()
}, 60_000)
