import { behave, inPage } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

inPage((places) => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places))
