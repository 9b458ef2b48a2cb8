// Nothing is loaded before the client: what does it say?
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch/js'
import { facts } from './behaviour.mjs'

let told = 'no error'
try {
  new DurableFetchClient()
} catch (error) {
  told = facts(error, { DurableFetchError, isDurableFetchError })
}
print(JSON.stringify(told))
