// In the page: runs one case, told by name. `received` is the test's.
import { DurableFetchClient } from 'durablefetch'
import { cases } from '../cases/index.js'

window.isOurs = typeof new DurableFetchClient().stop === 'function'
window.read = async (name, { recorder, upstream, id }) => {
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  try {
    const text = await cases[name].read({ df, upstream, id, received: () => void window.received() })
    return { text }
  } catch (error) {
    return { failed: error?.stack ?? String(error?.message ?? error) }
  }
}
document.documentElement.dataset.ready = 'true'
