// What the page of a framework does: it shows an answer, and is reloaded in the middle of it. Copied into each project
// like behaviour.mjs, and imports nothing else.
import { instances, summary, told } from './behaviour.mjs'

/** Called where the page's module is loaded, on the server too: what it has imported, and that nothing runs yet. */
export const imported = ({ DurableFetchClient }) => `${typeof DurableFetchClient}, ${instances()} instances`

/** What the page's component does while it is rendered, on the server too. */
export const rendered = ({ DurableFetchClient }) => typeof new DurableFetchClient({ durablefetchHost: '/df' }).fetch

/** Where the test looks for the answer: its length so far is an attribute, its end is the text. */
export function shown() {
  const out = document.createElement('pre')
  out.id = 'answer'
  document.body.append(out)
  return out
}

let started = false

/** Once the page is there: fetches the answer that the address's query names and shows as much of it as has come. */
export async function answerInPage({ DurableFetchClient }, query = location.search) {
  if (started) return // StrictMode runs effects twice
  started = true
  const { recorder, upstream, id } = Object.fromEntries(new URLSearchParams(query))
  const out = shown()
  const chunks = []
  try {
    const df = new DurableFetchClient(recorder ? { durablefetchHost: recorder } : undefined)
    const { body } = await df.fetch(`${upstream}/stream?id=${id}`)
    const reader = body.getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value)
      out.dataset.length = chunks.reduce((sum, { length }) => sum + length, 0)
    }
    out.textContent = JSON.stringify({ ...(await summary(chunks)), instances: instances() })
  } catch (error) {
    out.textContent = JSON.stringify({ error: told(error) })
  }
}
