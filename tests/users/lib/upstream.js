// The mock upstream: says the same answer in the protocol of each library.
import { createServer } from 'node:http'
import { listen } from '../../lib/listen.js'
import { requestLog } from '../../lib/request-log.js'
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
  const { requests, add, until } = requestLog()
  const server = createServer((request, response) => {
    add({ method: request.method, url: request.url }, response)
    const protocol = PROTOCOLS[request.url.split(/[/?]/)[1]]
    if (!protocol) return response.writeHead(404).end(`no protocol at ${request.url}`)
    protocol({ request, response, gate, number: requests.length }).catch((error) => response.destroy(error))
  })
  const { port, stop } = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    /** Every request so far, oldest first. */
    requests,
    /** Resolves once request number `index` is in this state. */
    until: (index, state) => until(index, state, 10_000),
    stop,
  }
}
