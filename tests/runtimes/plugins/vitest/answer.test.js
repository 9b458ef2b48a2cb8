import { DurableFetchClient } from 'durablefetch'
import { inject, test } from 'vitest'
import { summary } from './behaviour.mjs'

/** `half`: where the upstream waits. `isLast`: go on from there, where the run before ended. */
const { upstream, id, half, isLast } = inject('places')

test('an answer', async () => {
  const df = new DurableFetchClient()
  const { body } = await df.fetch(`${upstream}/stream?id=${id}`)
  const chunks = []
  let length = 0
  for await (const chunk of readable(body)) {
    chunks.push(chunk)
    length += chunk.length
    if (length !== half) continue
    console.log('half of it')
    if (isLast) await fetch(`${upstream}/release?id=${id}`)
  }
  console.log(`all of it: ${JSON.stringify(await summary(chunks))}`)
})

/** WebKit's streams are none to iterate over. */
async function* readable(body) {
  const reader = body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
}
