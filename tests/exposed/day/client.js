export { DurableFetchClient } from 'durablefetch'
