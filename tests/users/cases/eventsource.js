import { EventSource } from 'eventsource'

export const title = '`eventsource` (npm)'
export const packages = ['eventsource']
export const where = ['node', 'browsers']
export const note =
  'An `EventSource` asks again when an answer has ended; `close` it at the last event, as with the one of the browser. Where it should hear what comes next, see `reuse` above.'

export function read({ df, upstream, id, received }) {
  let text = ''
  return new Promise((resolve, reject) => {
    // snippet:begin
    const source = new EventSource(`${upstream}/sse?id=${id}`, { fetch: df.fetch })
    source.addEventListener('word', ({ data }) => received((text += JSON.parse(data))))
    source.addEventListener('end', () => {
      source.close()
      resolve(text)
    })
    source.addEventListener('error', reject)
    // snippet:end
  })
}
