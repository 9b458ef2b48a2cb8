// WebKitGTK's driver, and the display that its browser needs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { within } from '../deadline.js'
import { freePort } from '../listen.js'

const DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver'
const XVFB = process.env.XVFB ?? '/usr/bin/Xvfb'
const START_MS = 30_000

/**
 * A browser of its own: `command(method, path, body)` is a command of WebDriver in its session, which `version` is of.
 * `pid` is the driver's, which the browser belongs to. `stop()` ends all of it.
 */
export async function startWebKit() {
  const stops = []
  const stop = async () => {
    for (const one of stops.reverse()) await one()
  }
  try {
    const display = await startDisplay(stops)
    const driver = await startDriver(stops, display)
    return { ...(await startSession(stops, driver.address)), pid: driver.pid, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The number of a display of its own. */
async function startDisplay(stops) {
  // It picks a free number and writes it to this descriptor once it is ready.
  const args = ['-displayfd', '3', '-screen', '0', '1180x760x24', '-nolisten', 'tcp']
  const child = spawn(XVFB, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  stops.push(() => end(child))
  const told = once(child.stdio[3], 'data').then(([bytes]) => String(bytes).trim())
  return within(START_MS, 'Xvfb tells its display', Promise.race([told, failure(child, XVFB)]))
}

/** The driver's address and process. */
async function startDriver(stops, display) {
  const port = await freePort()
  // The sandbox of its web processes needs namespaces, which containers do not have.
  const env = { ...process.env, DISPLAY: `:${display}`, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' }
  const child = spawn(DRIVER, [`--port=${port}`], { env, stdio: 'ignore' })
  stops.push(() => end(child))
  const address = `http://127.0.0.1:${port}`
  const answers = async () => {
    // It says nothing when it listens.
    for (;;) {
      const status = await fetch(`${address}/status`).catch(() => undefined)
      if (status?.ok) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await within(START_MS, 'WebKitWebDriver answers', Promise.race([answers(), failure(child, DRIVER)]))
  return { address, pid: child.pid }
}

async function startSession(stops, driver) {
  const send = async (method, path, body) => {
    const response = await fetch(driver + path, { method, body: body && JSON.stringify(body) })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`)
    return value
  }
  const options = { binary: miniBrowser(), args: ['--automation'] }
  const capabilities = { alwaysMatch: { acceptInsecureCerts: true, 'webkitgtk:browserOptions': options } }
  const { sessionId, capabilities: has } = await send('POST', '/session', { capabilities })
  const command = (method, path, body) => send(method, `/session/${sessionId}/${path}`, body)
  stops.push(() => send('DELETE', `/session/${sessionId}`))
  return { command, version: has.browserVersion }
}

/** It is beside the library, and not on PATH. */
function miniBrowser() {
  if (process.env.MINIBROWSER) return process.env.MINIBROWSER
  const found = readdirSync('/usr/lib', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => ['4.1', '6.0'].map((api) => `/usr/lib/${name}/webkit2gtk-${api}/MiniBrowser`))
    .find((file) => existsSync(file))
  if (!found) throw new Error('There is no MiniBrowser: `apt-get install webkit2gtk-driver`, or name it: MINIBROWSER=…')
  return found
}

async function failure(child, program) {
  const [cause] = await Promise.race([once(child, 'error'), once(child, 'exit')])
  throw new Error(`${program} did not start: ${cause?.message ?? `it ended (${cause})`}`)
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
