// The AI SDK's UI message stream, written by the server half of the same version.
import { json } from 'node:stream/consumers'
import { words } from '../answer.js'
import { sendResponse } from './event-stream.js'

/** Answers with what `execute(writer, asked)` writes; `asked`: what the upstream gives a protocol. */
const streaming = (version, execute) => async (asked) => {
  const { createUIMessageStream, createUIMessageStreamResponse } = await import(`ai-${version}`)
  const stream = createUIMessageStream({ execute: ({ writer }) => execute(writer, asked) })
  await sendResponse(asked.response, createUIMessageStreamResponse({ stream }))
}

async function writeText(writer, deltas) {
  writer.write({ type: 'text-start', id: 'text' })
  for await (const delta of deltas) writer.write({ type: 'text-delta', id: 'text', delta })
  writer.write({ type: 'text-end', id: 'text' })
}

export const aiSdk = (version) =>
  streaming(version, async (writer, { gate }) => {
    writer.write({ type: 'start' })
    await writeText(writer, words(gate))
    writer.write({ type: 'finish' })
  })

/** The number of the request and, when the gate lets it, what was asked: `1: Hello`. */
export const aiSdkNumbered = (version) =>
  streaming(version, async (writer, { request, gate, number }) => {
    const { prompt, messages } = await json(request)
    async function* deltas() {
      yield `${number}: `
      await gate.pace(0)
      yield prompt ?? messages.at(-1).parts[0].text
    }
    writer.write({ type: 'start' })
    await writeText(writer, deltas())
    writer.write({ type: 'finish' })
  })

/**
 * Asks for a tool that runs in the page, first; with its output it answers. Between the call of the tool and the end of
 * its message it waits at the gate.
 */
export const aiSdkTool = (version) =>
  streaming(version, async (writer, { request, gate }) => {
    const { messages } = await json(request)
    const called = messages.at(-1).role === 'assistant'
    // Every tab has to call the message the same.
    writer.write({ type: 'start', messageId: called ? messages.at(-1).id : `answer-${messages.at(-1).id}` })
    writer.write({ type: 'start-step' })
    if (called) {
      await writeText(writer, words(gate))
    } else {
      writer.write({ type: 'tool-input-available', toolCallId: crypto.randomUUID(), toolName: 'where', input: {} })
      await gate.pace(0)
    }
    writer.write({ type: 'finish-step' })
    writer.write({ type: 'finish' })
  })
