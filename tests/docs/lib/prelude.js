// What the snippets of the documentation leave out: names that are the reader's own. Each is declared only in snippets
// that use it and do not bring it along.
const DECLARED = {
  api: 'declare const api: string',
  body: 'declare const body: string',
  chatId: 'declare const chatId: string',
  id: 'declare const id: string',
  url: 'declare const url: string',
  upstream: 'declare const upstream: string',
  question: 'declare const question: string',
  signal: 'declare const signal: AbortSignal',
  response: 'declare const response: Response',
  received: 'declare function received(text: string): void',
  resolve: 'declare function resolve(value: string): void',
  reject: 'declare function reject(error: unknown): void',
  show: 'declare function show(chunk: unknown): void',
  text: 'declare let text: string',
  tokenOfThisUser: 'declare function tokenOfThisUser(): Promise<string>',
  df: "declare const df: import('durablefetch').DurableFetchClient",
  transport: 'declare const transport: DefaultChatTransport<import("ai").UIMessage>',
  sendMessage: "declare const sendMessage: ReturnType<typeof useChat>['sendMessage']",
  message: 'declare const message: string',
  DurableFetchClient: "import { DurableFetchClient } from 'durablefetch'",
  isDurableFetchError: "import { isDurableFetchError } from 'durablefetch'",
  DefaultChatTransport: "import { DefaultChatTransport } from 'ai'",
  streamText: "import { streamText } from 'ai'",
  useChat: "import { useChat } from '@ai-sdk/react'",
  useCompletion: "import { useCompletion } from '@ai-sdk/react'",
  useEffect: "import { useEffect } from 'react'",
  useState: "import { useState } from 'react'",
  initDurableFetch: "import { initDurableFetch } from 'durablefetch/slim'",
  OpenAI: "import OpenAI from 'openai'",
}

/** The declarations that this code needs. */
export function prelude(code) {
  const bare = code.replace(/(^|\s)\/\/.*$/gm, '')
  const lines = []
  let needed = bare
  for (const [name, line] of Object.entries(DECLARED)) {
    const used = new RegExp(`(?<![\\w.'"/-])${name}\\b`).test(needed)
    const brought =
      new RegExp(
        `\\b(?:const|let|function|class)\\s+(?:${name}\\b|[[{][^\\]}=]*\\b${name}\\b[^\\]}=]*[\\]}]\\s*=)`,
      ).test(bare) ||
      new RegExp(`import\\s[^;'"]*\\b${name}\\b[^;'"]*from`).test(bare) ||
      new RegExp(`function \\w+\\([^)]*\\b${name}\\b`).test(bare)
    if (!used || brought) continue
    lines.push(line)
    needed += `\n${line}`
  }
  return lines.join('\n')
}
