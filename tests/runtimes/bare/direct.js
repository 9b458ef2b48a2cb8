// No import map: a policy without 'unsafe-inline' or a nonce does not allow one.
import { behave, inPage } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from '/node_modules/durablefetch/index.js'

inPage((places) => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places))
