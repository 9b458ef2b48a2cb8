// What the event streams have in common.

/** Writes one event for each pair of name (or `undefined`) and data; other data than strings as JSON. */
export async function sendEvents(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  for await (const [name, data] of events) {
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    response.write(`${name ? `event: ${name}\n` : ''}data: ${text}\n\n`)
  }
  response.end()
}

/** Sends a web `Response` on. */
export async function sendResponse(response, { status, headers, body }) {
  response.writeHead(status, Object.fromEntries(headers))
  response.flushHeaders()
  for await (const chunk of body) response.write(chunk)
  response.end()
}
