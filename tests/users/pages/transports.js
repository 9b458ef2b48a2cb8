// In the page: the chat transports of the AI SDK without a hook around them, for tests of single requests.
import { DefaultChatTransport as Five } from 'ai-5'
import { DefaultChatTransport as Six } from 'ai-6'
import { DefaultChatTransport as Seven } from 'ai-7'
import { DurableFetchClient } from 'durablefetch'

const TRANSPORTS = { 5: Five, 6: Six, 7: Seven }
const df = new DurableFetchClient({ durablefetchHost: new URLSearchParams(location.search).get('recorder') })
window.isOurs = typeof df.stopChat === 'function'

/** `prepared`: what the app's own `prepare…` functions return. */
const transport = ({ version, api, prepared }) => {
  const own = prepared && {
    prepareSendMessagesRequest: () => prepared,
    prepareReconnectToStreamRequest: () => ({ api: prepared.api }),
  }
  return new TRANSPORTS[version](df.chatTransport({ api, ...own }))
}

/** What has come of the answer that is being read. */
window.text = ''

/** Resolves with the whole answer, or with what it failed with. */
async function read(asked) {
  window.text = ''
  try {
    const reader = (await asked).getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (next.value.type === 'text-delta') window.text += next.value.delta
    }
    return { text: window.text }
  } catch (error) {
    return { failed: String(error.message) }
  }
}

window.send = ({ id: chatId, messages, ...chat }) =>
  read(transport(chat).sendMessages({ chatId, messages, trigger: 'submit-message' }))
window.resume = ({ id: chatId, ...chat }) => read(transport(chat).reconnectToStream({ chatId }))
window.stopChat = ({ api, id }) => df.stopChat(api, id)
document.documentElement.dataset.ready = 'true'
