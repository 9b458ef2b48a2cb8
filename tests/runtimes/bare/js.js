import { behave, inPage } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from '/node_modules/durablefetch/js.js'

inPage((places) => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places))
