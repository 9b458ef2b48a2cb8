// The mock upstream: says the same answer in the protocol of each library.
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { within } from '../../e2e/lib/deadline.js'
import { aiSdk, aiSdkNumbered, aiSdkTool } from './protocols/ai-sdk.js'
import { anthropic } from './protocols/anthropic.js'
import { openai } from './protocols/openai.js'
import { plain } from './protocols/plain.js'
import { tanstack } from './protocols/tanstack.js'
import { trpc } from './protocols/trpc.js'

const PROTOCOLS = {
  openai,
  anthropic,
  tanstack,
  trpc,
  sse: plain.sse,
  text: plain.text,
  'ai-5': aiSdk(5),
  'ai-6': aiSdk(6),
  'ai-7': aiSdk(7),
  'numbered-5': aiSdkNumbered(5),
  'numbered-6': aiSdkNumbered(6),
  'numbered-7': aiSdkNumbered(7),
  'tool-5': aiSdkTool(5),
  'tool-6': aiSdkTool(6),
  'tool-7': aiSdkTool(7),
}

export async function startUpstream({ gate }) {
  const requests = []
  const events = new EventEmitter().setMaxListeners(0)
  const server = createServer((request, response) => {
    const entry = { method: request.method, url: request.url, state: 'open' }
    requests.push(entry)
    response.on('close', () => {
      entry.state = response.writableFinished ? 'finished' : 'hung up'
      events.emit('change')
    })
    const protocol = PROTOCOLS[request.url.split(/[/?]/)[1]]
    if (!protocol) return response.writeHead(404).end(`no protocol at ${request.url}`)
    protocol({ request, response, gate, number: requests.length }).catch((error) => response.destroy(error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Every request so far, oldest first. */
    requests,
    /** Resolves once request number `index` is in this state. */
    async until(index, state) {
      const reached = async () => {
        while (requests[index]?.state !== state) await once(events, 'change')
      }
      await within(10_000, `request ${index} is ${state}`, reached())
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
