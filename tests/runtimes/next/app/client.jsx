'use client'

import { behave, inPage } from '../behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'
import { useEffect, useState } from 'react'

let started = false

export function Client({ onServer }) {
  // Made during server rendering, too.
  const [df] = useState(() => new DurableFetchClient({ durablefetchHost: '/df' }))
  useEffect(() => {
    if (started) return // StrictMode runs effects twice
    started = true
    inPage((places) => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places))
  }, [])
  return <p id="rendered" data-on-server={onServer} data-client={typeof df.fetch} />
}
