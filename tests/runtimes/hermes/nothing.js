// Nothing is loaded before the client: what does it say?
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch/js'

let told = 'no error'
try {
  new DurableFetchClient()
} catch (error) {
  told = {
    name: error.name,
    code: error.code,
    message: error.message,
    isError: error instanceof Error,
    isTypeError: error instanceof TypeError,
    isDurableFetchError: error instanceof DurableFetchError,
    guard: isDurableFetchError(error),
  }
}
print(JSON.stringify(told))
