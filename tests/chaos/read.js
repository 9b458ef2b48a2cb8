// One run as the app sees it: fetch, read to the end, say what it was. The same in Node and in a page.

const now = Date.now

/** Short delays: faults last for seconds at most, and a run is to be over soon. */
const HASTY = { initialDelayMs: 20, maxDelayMs: 300 }

/** `order`: see crates/chaos/src/clients.rs. */
export async function readOnce(DurableFetchClient, order) {
  const { host, url, post, leavesAt, clock, request, stallMs, giveUpMs, deadlineMs } = order
  Date.now = now
  const got = { how: 'error', status: null, bytes: 0, sha256: '', error: null, reconnects: 0 }
  const onReconnect = ({ phase }) => phase === 'connected' && got.reconnects++
  const retry = { ...HASTY, giveUpAfterMs: giveUpMs }
  const df = new DurableFetchClient({ durablefetchHost: host, onReconnect, stallAfterMs: stallMs, retry })
  const init = post ? { method: 'POST', body: '{"messages":[]}' } : {}
  if (request) init.headers = { 'durablefetch-request': request }
  const leave = new AbortController()
  let chunks = []

  const read = async (until, signal) => {
    chunks = []
    got.bytes = 0
    const response = await df.fetch(url, { ...init, signal })
    got.status = response.status
    const reader = response.body?.getReader()
    // Not `for await`: WebKit's streams cannot be iterated.
    for (let read; reader && !(read = await reader.read()).done; ) {
      chunks.push(read.value)
      got.bytes += read.value.length
      if (clock && got.bytes >= clock[0]) jump(clock[1])
      if (got.bytes >= until) return reader.cancel()
    }
  }
  const work = async () => {
    try {
      if (leavesAt !== null) await read(leavesAt, leave.signal).catch(() => {})
      await read(Infinity, leave.signal)
      got.how = 'end'
    } catch (error) {
      got.error = typeof error.code === 'string' ? error.code : error.name
    }
  }

  let timer
  const late = new Promise((resolve) => (timer = setTimeout(resolve, deadlineMs, 'late')))
  if ((await Promise.race([work(), late])) === 'late') got.how = 'hang'
  clearTimeout(timer)
  leave.abort()
  Date.now = now
  const all = new Uint8Array(await new Blob(chunks).arrayBuffer())
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all))
  return { ...got, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') }
}

/** As when a laptop wakes up, or somebody sets the clock. */
function jump(ms) {
  if (Date.now === now) Date.now = () => now() + ms
}
