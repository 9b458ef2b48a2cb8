import ky from 'ky'

export const title = 'ky'
export const packages = ['ky']
export const where = ['node', 'browsers']
export const note =
  'ky has 10 s for the head and, in shortcuts such as `text()`, as much again for the body: an answer that takes longer needs `timeout: false`.'

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  const api = ky.create({ fetch: df.fetch, prefix: upstream, timeout: false })
  const response = await api.post('text', { searchParams: { id }, json: { question: 'Hello' } })
  // A reader, not `for await`: the streams of WebKit cannot be iterated.
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) received((text += part.value))
  // snippet:end
  return text
}
