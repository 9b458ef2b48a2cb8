// WebKit, as GTK's MiniBrowser, over plain WebDriver.
import { within } from '../deadline.js'
import { FIND, KEEP_LINES, pageOf, settle, settling } from './page.js'
import { processesOf } from './processes.js'
import { startWebKit } from './webkit-driver.js'

const LOAD_MS = 60_000
/** How often the driver is asked, which tells of nothing by itself. */
const POLL_MS = 8

export async function openWebKit() {
  const browser = await startWebKit()
  const others = new Set()
  const first = await browser.command('GET', 'window')
  const windows = windowsOf(browser.command, first)
  let isFirst = true
  return {
    version: `WebKitGTK ${browser.version}`,
    driver: browser,
    async processes() {
      const all = await Promise.all([processesOf(browser.pid), ...[...others].map((other) => other.processes())])
      return all.flat()
    },
    async newPage() {
      if (!isFirst) return open(windows, await windows.add())
      isFirst = false
      return open(windows, first)
    },
    /** The windows of a session share their storage: another person is another browser. */
    async newContext() {
      const other = await openWebKit()
      others.add(other)
      return { newPage: other.newPage, close: async () => others.delete(other) && other.close() }
    },
    async close() {
      for (const other of others) await other.close()
      await browser.stop()
    },
  }
}

/** A session sends its commands to one window at a time. Nothing comes between the switch to a window and its command. */
function windowsOf(command, first) {
  const open = new Set([first])
  let current = first
  let last = Promise.resolve()
  const alone = (act) => {
    const acted = last.then(act)
    last = acted.catch(() => {})
    return acted
  }
  const inside = (handle, method, path, body) =>
    alone(async () => {
      if (current !== handle) await command('POST', 'window', { handle })
      current = handle
      return command(method, path, body)
    })
  const add = () =>
    alone(async () => {
      const { handle } = await command('POST', 'window/new', { type: 'window' })
      open.add(handle)
      return handle
    })
  return {
    in: inside,
    add,
    async close(handle) {
      open.delete(handle)
      // A session ends with its last window.
      if (open.size === 0) await add()
      await inside(handle, 'DELETE', 'window')
      // And a new one is only to be had from one that is there.
      const [other] = open
      await alone(async () => {
        await command('POST', 'window', { handle: other })
        current = other
      })
    },
  }
}

function open(windows, handle) {
  const lines = []
  const command = (method, path, body) => windows.in(handle, method, path, body)
  const script = (script, ...args) => command('POST', 'execute/sync', { script, args })
  // What the page's console has had since it was asked last.
  const take = async () => lines.push(...(await script(TAKE_LINES)))
  const loads = async (path, body) => {
    await take()
    await script(LEAVE)
    await command('POST', path, body)
    // The command may come back before, and no event tells.
    const loaded = async () => {
      while (!(await script(HAS_LOADED))) await pause()
    }
    await within(LOAD_MS, 'the page has loaded', loaded())
    await script(KEEP_LINES)
  }
  const element = async (selector, text) => {
    const found = await script(`const [selector, text] = arguments; ${FIND}`, selector, text)
    if (!found) throw new Error(`The page has no ${selector} with ${JSON.stringify(text)}`)
    return Object.values(found)[0]
  }
  let runs = 0
  return pageOf({
    engine: 'webkit',
    native: { command, script },
    goto: (url) => loads('url', { url }),
    reload: () => loads('refresh', {}),
    /** Begins it, and asks what came of it: while a script of WebDriver waits, other windows get no command. */
    async evaluate(what, ...args) {
      const run = `run${++runs}`
      await script(BEGIN + settling(what, args) + NOTE, run)
      for (;;) {
        const { left, done, ...settled } = await script(RESULT, run)
        if (left) throw new Error('The page was left before it had answered')
        if (done) return settle(settled)
        await pause()
      }
    },
    async click(selector, text) {
      await command('POST', `element/${await element(selector, text)}/click`, {})
    },
    async type(selector, text) {
      const id = await element(selector, '')
      await command('POST', `element/${id}/clear`, {})
      await command('POST', `element/${id}/value`, { text })
    },
    async press(key) {
      const active = Object.values(await command('GET', 'element/active'))[0]
      await command('POST', `element/${active}/value`, { text: KEYS[key] ?? key })
    },
    async console() {
      await take()
      return [...lines]
    },
    screenshot: async () => Buffer.from(await command('GET', 'screenshot'), 'base64'),
    close: () => windows.close(handle),
  })
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS))

/** Of WebDriver (W3C, 17.4.2). */
const KEYS = { Enter: '\ue007' }
const BEGIN = `
  const [run] = arguments
  const runs = (window.__runs ??= {})
  runs[run] = {}
  `
const NOTE = '.then((settled) => (runs[run] = { done: true, ...settled }))'
const RESULT = `
  const result = window.__runs?.[arguments[0]]
  if (!result) return { left: true }
  if (result.done) delete window.__runs[arguments[0]]
  return result`
const LEAVE = 'window.__left = true'
const HAS_LOADED = 'return !window.__left && document.readyState === "complete"'
const TAKE_LINES = 'return (window.__lines ?? []).splice(0)'
