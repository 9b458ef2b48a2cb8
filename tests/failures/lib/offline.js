// A page without a network.
import { has } from '../../lib/powers.js'

/**
 * Takes the network away from a page that reaches all of it through this proxy, or gives it back. Where the driver cannot, the
 * proxy lets nothing through, and the page is told what its browser would tell it.
 */
export async function offline({ page }, proxy, yes) {
  proxy.refuse(yes)
  if (has(page.engine, 'offline')) await page.offline(yes)
  else await page.evaluate((yes) => void dispatchEvent(new Event(yes ? 'offline' : 'online')), yes)
}
