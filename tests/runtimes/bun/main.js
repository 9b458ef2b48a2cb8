import { behave, inProcess } from './behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

inProcess((places) => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places))
