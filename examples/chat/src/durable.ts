// All of durablefetch that this app has: one client, one transport.
import { DefaultChatTransport } from 'ai'
import { DurableFetchClient } from 'durablefetch'
import { reportReconnect } from './connection'
import { pluggable } from './plug'

/** The API route. It is the AI SDK's own, untouched (server/api.js). */
export const api = '/api/chat'

export const df = new DurableFetchClient({
  // Under the app's own origin; vite.config.js forwards /df to the recorder.
  durablefetchHost: import.meta.env.VITE_DURABLEFETCH_HOST ?? '/df',
  onReconnect: reportReconnect,
  // Only for the "Pull the plug" button of this demo.
  fetch: pluggable,
})

export const transport = new DefaultChatTransport(
  df.chatTransport({
    api,
    // 'recorded': whoever comes back after the answer has ended still gets it, although no server stores messages.
    reconnect: import.meta.env.VITE_RECONNECT === 'live' ? 'live' : 'recorded',
  }),
)
