import { EventSourceParserStream } from 'eventsource-parser/stream'

export const title = '`eventsource-parser`'
export const packages = ['eventsource-parser']
export const where = ['node', 'browsers']
export const note = ''

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  const response = await df.fetch(`${upstream}/sse?id=${id}`)
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  // A reader, not `for await`: the streams of WebKit cannot be iterated.
  const reader = events.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const { event, data } = read.value
    if (event === 'word') received((text += JSON.parse(data)))
  }
  // snippet:end
  return text
}
