// What the page of a framework does: it shows an answer, and is reloaded in the middle of it. Copied into each project
// like behaviour.mjs, and imports nothing else.
import { instances } from './behaviour.mjs'

/** Called where the page's module is loaded, on the server too: what it has imported, and that nothing runs yet. */
export const imported = ({ DurableFetchClient }) => `${typeof DurableFetchClient}, ${instances()} instances`

/** What the page's component does while it is rendered, on the server too. */
export const rendered = ({ DurableFetchClient }) => typeof new DurableFetchClient({ durablefetchHost: '/df' }).fetch

let started = false

/** Once the page is there: fetches the answer that the address names and shows as much of it as has come. */
export async function answerInPage({ DurableFetchClient }) {
  if (started) return // StrictMode runs effects twice
  started = true
  const { recorder, upstream, id } = Object.fromEntries(new URLSearchParams(location.search))
  const out = document.createElement('pre')
  out.id = 'answer'
  document.body.append(out)
  const chunks = []
  try {
    const df = new DurableFetchClient({ durablefetchHost: recorder })
    const { body } = await df.fetch(`${upstream}/stream?id=${id}`)
    const reader = body.getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value)
      out.dataset.length = chunks.reduce((sum, { length }) => sum + length, 0)
    }
    const bytes = await new Blob(chunks).arrayBuffer()
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    const digest = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    out.textContent = JSON.stringify({ length: bytes.byteLength, digest, instances: instances() })
  } catch (error) {
    out.textContent = JSON.stringify({ error: String(error?.stack ?? error) })
  }
}
