// In the page: runs one row with one of the two kinds of fetch.
import { DurableFetchClient } from 'durablefetch'
import { groups } from '../behaviours/index.js'

const query = new URLSearchParams(location.search)
const [upstream, refusedUrl, recorder] = ['upstream', 'refused', 'recorder'].map((name) => query.get(name))
const df = new DurableFetchClient({ durablefetchHost: recorder })
const kinds = { native: window.fetch.bind(window), ours: df.fetch }

document.cookie = 'who=me; path=/; samesite=lax'

/** An address of its own for every call: a recording is kept by its URL. */
function fresh(base, params) {
  const url = new URL(base)
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
  url.searchParams.set('run', crypto.randomUUID())
  return url.href
}

// A Set of what was left behind: the rows' errors are caught by them, so nothing may be rejected unseen.
window.unseen = []
addEventListener('unhandledrejection', (event) => window.unseen.push(String(event.reason)))

window.isOurs = typeof df.stop === 'function'
window.run = async (group, row, kind) => {
  const at = {
    fetch: kinds[kind],
    url: (path, params = {}) => fresh(upstream + path, params),
    refused: () => fresh(refusedUrl, {}),
  }
  try {
    return { seen: await groups[group].rows[row].run(at) }
  } catch (error) {
    return { failed: String(error?.name), message: String(error?.message) }
  }
}
document.documentElement.dataset.ready = 'true'
