// `node main.js [question]`: prints the answer to a question. Kill it in the middle and start it again: it shows what
// has come since, and goes on. The upstream is asked once.
//
//   RECORDER_URL    default http://localhost:8787
//   UPSTREAM_URL    default http://localhost:8788
import { createHash } from 'node:crypto'
import { DurableFetchClient } from 'durablefetch'

const { RECORDER_URL = 'http://localhost:8787', UPSTREAM_URL = 'http://localhost:8788' } = process.env
const question = process.argv[2] ?? 'Why do streams break?'

// The same question is the same URL, in the next process too; a job would use its own id.
const id = createHash('sha256').update(question).digest('hex').slice(0, 32)
const url = `${UPSTREAM_URL}/story?id=${id}`

const df = new DurableFetchClient({ durablefetchHost: RECORDER_URL })

const { inProgress, completed, bytesStored } = await df.isInProgress(url)
if (completed) console.log(`[the answer is there, ${bytesStored} bytes]`)
else if (inProgress) console.log(`[picking it up: ${bytesStored} bytes so far]`)
else console.log('[asking]')
console.log(`[kill -9 ${process.pid} and start me again]\n`)

const response = await df.fetch(url)
for await (const text of response.body.pipeThrough(new TextDecoderStream())) process.stdout.write(text)
console.log('\n\n[the end]')
