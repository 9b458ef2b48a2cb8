// One request to a recorder that serves a public origin.
import { once } from 'node:events'
import { request } from 'node:http'

export const ORIGIN = 'https://app.example'

/** Resolves with the head of the answer. `text()` is the rest of it, and an error where that is cut. */
export async function ask(port, path, headers = {}, { method = 'GET', host = '127.0.0.1' } = {}) {
  // A connection of its own, so that it tells whether new ones are taken.
  const asking = request({
    agent: false,
    port,
    host,
    path,
    method,
    headers: { host: new URL(ORIGIN).host, ...headers },
  })
  asking.end()
  const [response] = await once(asking, 'response')
  response.setEncoding('utf8')
  return {
    status: response.statusCode,
    headers: response.headers,
    response,
    async text() {
      let text = ''
      for await (const chunk of response) text += chunk
      return text
    },
  }
}
