import { DurableFetchClient } from 'durablefetch'
import { onMount } from 'solid-js'
import { answerInPage, imported, rendered } from '../reload.mjs'

const seen = imported({ DurableFetchClient })

export default function App() {
  onMount(() => void answerInPage({ DurableFetchClient }))
  return <p data-imported={seen} data-rendered={rendered({ DurableFetchClient })} />
}
