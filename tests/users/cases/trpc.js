import { createTRPCClient, httpBatchStreamLink } from '@trpc/client'

export const title = 'tRPC: `httpBatchStreamLink`'
export const packages = ['@trpc/client', '@trpc/server']
export const where = ['node', 'browsers']
export const note =
  "A batch is a GET whose URL holds the inputs: equal inputs are one recording. An id among them tells two calls apart, and `reuse: 'live'` asks equal ones anew."

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  const client = createTRPCClient({
    links: [httpBatchStreamLink({ url: `${upstream}/trpc`, fetch: df.fetch })],
  })
  for await (const word of await client.answer.query({ id })) received((text += word))
  // snippet:end
  return text
}
