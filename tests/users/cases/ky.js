import ky from 'ky'

export const title = 'ky'
export const packages = ['ky']
export const where = ['node', 'chromium']
export const note = 'ky hands over a `Request`, and reads a clone of the answer to tell its progress. `timeout` is for the whole answer: an answer that may take long needs a long one or none.'

export async function read({ df, upstream, id, received }) {
  // snippet:begin
  const api = ky.create({ fetch: df.fetch, prefix: upstream, timeout: false })
  const text = await api
    .post('text', {
      searchParams: { id },
      json: { question: 'Hello' },
      onDownloadProgress: ({ transferredBytes }) => transferredBytes > 0 && received(transferredBytes),
    })
    .text()
  // snippet:end
  return text
}
