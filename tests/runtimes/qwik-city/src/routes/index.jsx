import { component$, useVisibleTask$ } from '@builder.io/qwik'
import { DurableFetchClient } from 'durablefetch'
import { answerInPage, imported, rendered } from '../../reload.mjs'

export const seen = imported({ DurableFetchClient })

export default component$(() => {
  useVisibleTask$(() => void answerInPage({ DurableFetchClient }))
  return <p data-imported={seen} data-rendered={rendered({ DurableFetchClient })} />
})
