import { EventSourceParserStream } from 'eventsource-parser/stream'

export const title = '`eventsource-parser`'
export const packages = ['eventsource-parser']
export const where = ['node', 'chromium']
export const note = ''

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  const response = await df.fetch(`${upstream}/sse?id=${id}`)
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { event, data } of events) {
    if (event === 'word') received((text += JSON.parse(data)))
  }
  // snippet:end
  return text
}
