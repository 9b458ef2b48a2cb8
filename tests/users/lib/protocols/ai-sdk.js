// The AI SDK's UI message stream, written by the server half of the same version.
import { json } from 'node:stream/consumers'
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

/** The number of the request and, when the gate lets it, what was asked: `1: Hello`. */
export function aiSdkNumbered(version) {
  return async ({ request, response, gate, number }) => {
    const { createUIMessageStream, createUIMessageStreamResponse } = await import(`ai-${version}`)
    const { prompt, messages } = await json(request)
    const stream = createUIMessageStream({
      async execute({ writer }) {
        writer.write({ type: 'start' })
        writer.write({ type: 'text-start', id: 'text' })
        writer.write({ type: 'text-delta', id: 'text', delta: `${number}: ` })
        await gate.pace(0)
        writer.write({ type: 'text-delta', id: 'text', delta: prompt ?? messages.at(-1).parts[0].text })
        writer.write({ type: 'text-end', id: 'text' })
        writer.write({ type: 'finish' })
      },
    })
    await sendResponse(response, createUIMessageStreamResponse({ stream }))
  }
}

/**
 * Asks for a tool that runs in the page, first; with its output it answers. Between the call of the tool and the end of
 * its message it waits at the gate.
 */
export function aiSdkTool(version) {
  return async ({ request, response, gate }) => {
    const { createUIMessageStream, createUIMessageStreamResponse } = await import(`ai-${version}`)
    const { messages } = await json(request)
    const called = messages.at(-1).role === 'assistant'
    const stream = createUIMessageStream({
      async execute({ writer }) {
        // Every tab has to call the message the same.
        writer.write({ type: 'start', messageId: called ? messages.at(-1).id : `answer-${messages.at(-1).id}` })
        writer.write({ type: 'start-step' })
        if (called) {
          writer.write({ type: 'text-start', id: 'text' })
          for await (const delta of words(gate)) writer.write({ type: 'text-delta', id: 'text', delta })
          writer.write({ type: 'text-end', id: 'text' })
        } else {
          writer.write({ type: 'tool-input-available', toolCallId: crypto.randomUUID(), toolName: 'where', input: {} })
          await gate.pace(0)
        }
        writer.write({ type: 'finish-step' })
        writer.write({ type: 'finish' })
      },
    })
    await sendResponse(response, createUIMessageStreamResponse({ stream }))
  }
}
