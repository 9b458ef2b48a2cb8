import ky from 'ky'

export const title = 'ky'
export const packages = ['ky']
export const where = ['node', 'chromium']
export const note =
  'ky has 10 s for the head and, in shortcuts such as `text()`, as much again for the body: an answer that takes longer needs `timeout: false`.'

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
