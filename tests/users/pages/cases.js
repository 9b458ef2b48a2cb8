// In the page: runs one case, told by name. `hasReceived` once a first piece has come.
import { DurableFetchClient } from 'durablefetch'
import { cases } from '../cases/index.js'

window.isOurs = typeof new DurableFetchClient().stop === 'function'
window.read = async (name, { recorder, upstream, id }) => {
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  window.hasReceived = false
  try {
    const text = await cases[name].read({ df, upstream, id, received: () => void (window.hasReceived = true) })
    return { text }
  } catch (error) {
    return { failed: `${error}\n${error?.stack}` }
  }
}
document.documentElement.dataset.ready = 'true'
