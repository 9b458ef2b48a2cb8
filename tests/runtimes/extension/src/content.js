import { behave, inPage } from '../behaviour.mjs'
import { answerInPage, shown } from '../reload.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

const places = Object.fromEntries(new URLSearchParams(location.search))

/** What the page's address asks for: who does it, and what. */
const DOES = {
  content: () => inPage(() => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)),
  'content-reload': () => answerInPage({ DurableFetchClient }),
  background: () => inPage(() => chrome.runtime.sendMessage(places)),
  'background-reload': askBackground,
}

function askBackground() {
  const out = shown()
  const port = chrome.runtime.connect({ name: JSON.stringify(places) })
  port.onMessage.addListener(({ length, answer }) => {
    if (length) out.dataset.length = length
    if (answer) out.textContent = JSON.stringify(answer)
  })
}

DOES[places.does]()
