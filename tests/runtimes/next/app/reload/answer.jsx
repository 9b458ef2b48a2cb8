'use client'

import { DurableFetchClient } from 'durablefetch'
import { useEffect } from 'react'
import { answerInPage, imported, rendered } from '../../reload.mjs'

const seen = imported({ DurableFetchClient })

export function Answer() {
  useEffect(() => void answerInPage({ DurableFetchClient }), [])
  return <p data-imported={seen} data-rendered={rendered({ DurableFetchClient })} />
}
