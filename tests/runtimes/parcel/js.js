import { behave, inPage } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch/js'

inPage((places) => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places))
