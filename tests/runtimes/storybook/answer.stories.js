import { DurableFetchClient } from 'durablefetch'
import { answerInPage } from './reload.mjs'

export default { title: 'Answer' }

export const Asked = {
  render() {
    answerInPage({ DurableFetchClient }, location.hash.slice(1))
    return 'An answer'
  },
}
