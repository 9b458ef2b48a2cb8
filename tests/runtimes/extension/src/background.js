import { behave, instances, reported, summary } from '../behaviour.mjs'
import { DurableFetchClient, DurableFetchError, isDurableFetchError } from 'durablefetch'

/** What content scripts have it do. */
chrome.runtime.onMessage.addListener((places, _sender, answer) => {
  reported(() => behave({ DurableFetchClient, DurableFetchError, isDurableFetchError }, places)).then(answer)
  return true
})

/** A content script that connects with these places is told how much of the answer has come, and all of it at the end. */
chrome.runtime.onConnect.addListener(async (port) => {
  let open = true
  port.onDisconnect.addListener(() => (open = false))
  const say = (message) => open && port.postMessage(message)
  const { recorder, upstream, id } = JSON.parse(port.name)
  const told = await reported(async () => {
    const df = new DurableFetchClient({ durablefetchHost: recorder })
    const reader = (await df.fetch(`${upstream}/stream?id=${id}`)).body.getReader()
    const chunks = []
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value)
      say({ length: chunks.reduce((sum, { length }) => sum + length, 0) })
    }
    return { ...(await summary(chunks)), instances: instances() }
  })
  say({ answer: told })
})
