import ky from 'ky'

export const title = 'ky'
export const packages = ['ky']
export const where = ['node', 'chromium']
export const note =
  'ky has 10 s for the head and, in shortcuts such as `text()`, as much again for the body: an answer that takes longer needs `timeout: false`.'

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  const api = ky.create({ fetch: df.fetch, prefix: upstream, timeout: false })
  const response = await api.post('text', { searchParams: { id }, json: { question: 'Hello' } })
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) received((text += part))
  // snippet:end
  return text
}
