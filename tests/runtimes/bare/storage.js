// Last messages where localStorage is of no use, each in its own way.
import { inPage } from './behaviour.mjs'
import { DurableFetchClient } from '/node_modules/durablefetch/index.js'

const refuse = () => {
  throw new DOMException('no', 'SecurityError')
}

const BREAK = {
  // As it is.
  works() {},
  // Cookies are blocked, or the page is a sandboxed frame.
  forbidden: () => Object.defineProperty(globalThis, 'localStorage', { get: refuse }),
  missing: () => Object.defineProperty(globalThis, 'localStorage', { value: undefined }),
  null: () => Object.defineProperty(globalThis, 'localStorage', { value: null }),
  // Not one more byte, from the start: what private windows did.
  full: fill,
  // From the middle on.
  'full later': (later) => later && fill(),
  'throwing later'(later) {
    if (later) for (const name of ['getItem', 'setItem', 'removeItem']) Storage.prototype[name] = refuse
  },
  // By whoever else writes there.
  corrupted: (later) => later && localStorage.setItem('durablefetch:last:before', '{"text'),
}

inPage(async ({ kind, recorder }) => {
  localStorage.clear()
  BREAK[kind](false)
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  df.saveLastMessage('before', { text: 'before' })
  BREAK[kind](true)
  const report = { before: df.lastMessage('before') ?? null }
  df.saveLastMessage('after', { text: 'after' })
  // Larger than the entry that it replaces.
  df.saveLastMessage('before', { text: 'replaced'.repeat(100) })
  const another = new DurableFetchClient({ durablefetchHost: recorder })
  report.after = another.lastMessage('after')
  report.replaced = another.lastMessage('before').text.length
  df.clearLastMessage('after')
  df.clearLastMessage('before')
  report.cleared = ['before', 'after'].map((id) => df.lastMessage(id) ?? null)
  return report
})

function fill() {
  for (let size = 1 << 22, count = 0; size > 0; ) {
    try {
      localStorage.setItem(`fill${count++}`, 'x'.repeat(size))
    } catch {
      size >>= 1
    }
  }
  // Even a key without a value is too much now.
  for (let count = 0; ; count++) {
    try {
      localStorage.setItem(String(count), '')
    } catch {
      return
    }
  }
}
