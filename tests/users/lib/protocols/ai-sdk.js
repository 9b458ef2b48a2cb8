// The AI SDK's UI message stream, written by the server half of the same version.
import { words } from '../answer.js'
import { sendResponse } from './event-stream.js'

export function aiSdk(version) {
  return async ({ response, gate }) => {
    const { createUIMessageStream, createUIMessageStreamResponse } = await import(`ai-${version}`)
    const stream = createUIMessageStream({
      async execute({ writer }) {
        writer.write({ type: 'start' })
        writer.write({ type: 'text-start', id: 'text' })
        for await (const delta of words(gate)) writer.write({ type: 'text-delta', id: 'text', delta })
        writer.write({ type: 'text-end', id: 'text' })
        writer.write({ type: 'finish' })
      },
    })
    await sendResponse(response, createUIMessageStreamResponse({ stream }))
  }
}
