// What the tests ask of a client, in Node as in a page. Everything in and out is JSON.

/** `client`: a DurableFetchClient of either package. */
export function driverOf(client) {
  const open = new Map()
  const answer = async (response) => ({
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  })
  const keep = async (id, response, controller) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    const { value: text } = await reader.read()
    open.set(id, { controller, reader, text })
    return text
  }
  const resume = async (api, chat, options) => {
    const transport = client.chatTransport({ api, ...options })
    const { api: url, headers } = await transport.prepareReconnectToStreamRequest({ id: chat, api })
    return transport.fetch(url, { headers })
  }
  return {
    /** The whole answer; `{ failed }` with the kind of error where there is none. */
    read: (url, init) => client.fetch(url, init).then(answer).catch(failure),
    /** Starts and reads the first chunk; `id` names it for the two below. */
    async begin(id, url, init) {
      const controller = new AbortController()
      return keep(id, await client.fetch(url, { ...init, signal: controller.signal }), controller)
    },
    /** Everything that was read, to the end; with `failed` where the end is an error. */
    async finish(id) {
      const { reader, text: first } = open.get(id)
      let text = first
      try {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return { text }
          text += value
        }
      } catch (error) {
        return { text, ...failure(error) }
      }
    },
    abort: (id) => open.get(id).controller.abort(),
    isInProgress: (url) => client.isInProgress(url),
    delete: (url) => client.delete(url),
    stop: (url) => client.stop(url).catch(failure),
    stopChat: (api, chat) => client.stopChat(api, chat).catch(failure),
    /** A chat's message and its resuming, by the transport's own two requests. */
    async chatSend(api, id, text) {
      const options = client.chatTransport({ api })
      const messages = [{ id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text }] }]
      const prepared = await options.prepareSendMessagesRequest({ id, api, messages, trigger: 'submit-message' })
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...prepared.headers },
        body: JSON.stringify(prepared.body),
      }
      return options.fetch(prepared.api, init).then(answer).catch(failure)
    },
    chatResume: (api, chat, options) => resume(api, chat, options).then(answer).catch(failure),
    /** Like `begin`. */
    chatBeginResume: async (id, api, chat) => keep(id, await resume(api, chat)),
  }
}

function failure(error) {
  return { failed: error instanceof TypeError ? 'TypeError' : error.name, message: error.message, code: error.code }
}
