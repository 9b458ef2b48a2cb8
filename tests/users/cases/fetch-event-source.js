import { fetchEventSource } from '@microsoft/fetch-event-source'

export const title = '`@microsoft/fetch-event-source`'
export const packages = ['@microsoft/fetch-event-source']
// It asks `window` and `document`.
export const where = ['browsers']
export const note =
  'By itself it closes the connection of a hidden tab and asks again, from the start, when the tab is shown. `openWhenHidden` leaves that to df.fetch, which goes on where it was.'

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  await fetchEventSource(`${upstream}/sse?id=${id}`, {
    fetch: df.fetch,
    method: 'POST',
    body: JSON.stringify({ question: 'Hello' }),
    openWhenHidden: true,
    onmessage({ event, data }) {
      if (event === 'word') received((text += JSON.parse(data)))
    },
    onerror(error) {
      throw error // or it would be sent again
    },
  })
  // snippet:end
  return text
}
