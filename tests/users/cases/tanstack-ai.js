import { ChatClient, fetchServerSentEvents } from '@tanstack/ai-client'

export const title = 'TanStack AI'
export const packages = ['@tanstack/ai-client', '@tanstack/ai']
export const where = ['node', 'browsers']
export const note = '`connection` is an option of `useChat` as well.'

export async function read({ df, upstream, id, received }) {
  // snippet:begin
  const client = new ChatClient({
    connection: fetchServerSentEvents(`${upstream}/tanstack?chat=${id}`, { fetchClient: df.fetch }),
    onChunk: (chunk) => chunk.type === 'TEXT_MESSAGE_CONTENT' && received(chunk.delta),
  })
  await client.sendMessage('Hello')
  // snippet:end
  if (client.getError()) throw client.getError()
  const answer = client.getMessages().findLast((message) => message.role === 'assistant')
  return answer.parts.map((part) => (part.type === 'text' ? part.content : '')).join('')
}
