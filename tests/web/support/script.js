// A transport that plays a script: one step for each request, and it writes down what it was asked.

// Once this module is there, not beside it: the runner's server keeps three threads for connections that come at once.
export const { clientClass } = await import('../../../pkg-template/client.js')

const encoder = new TextEncoder()

export class Script {
  calls = []
  steps = []
  waiting = []
  open = 0
  protocol = undefined

  constructor() {
    this.fetch = this.fetch.bind(this)
  }

  async fetch(address, init = {}) {
    const headers = new Headers(init.headers)
    const call = { address, init, headers, method: init.method ?? 'GET', ended: '' }
    this.calls.push(call)
    this.waiting = this.waiting.filter(({ count, resolve }) => {
      if (this.calls.length < count) return true
      resolve()
      return false
    })
    const step = this.steps.shift()
    if (!step) throw new Error(`the script has no step for request ${this.calls.length}: ${address}`)
    if (init.signal?.aborted) throw init.signal.reason
    return step(call)
  }

  /** Resolves once so many requests have been made. */
  called(count) {
    if (this.calls.length >= count) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push({ count, resolve }))
  }

  /** From here on its answers are those of a recorder of this protocol. */
  speaks(protocol) {
    this.protocol = protocol
  }

  /** Headers as this recorder sends them. */
  signed(headers) {
    const own = this.protocol && headers['durablefetch-state']
    return own ? { ...headers, 'durablefetch-protocol': String(this.protocol) } : headers
  }

  /** The answer to a control call, as JSON. A status of protocol 3 says what it is about. */
  control(json) {
    const { protocol } = this
    const headers = this.signed({ 'durablefetch-state': 'none' })
    this.steps.push((call) => {
      if (!protocol || !call.address.endsWith('/in-progress')) return new Response(json, { headers })
      const { urls, ...asked } = JSON.parse(call.init.body)
      const told = JSON.parse(json)
      const one = (about, index) => ({ ...(Array.isArray(told) ? told[index] : told), protocol, ...about })
      const answer = urls ? urls.map((url, index) => one({ url }, index)) : one(asked)
      return new Response(JSON.stringify(answer), { headers })
    })
  }

  /** A body of these chunks, then `end`: 'end', 'cut' or 'hang'. */
  body(status, headers, chunks, end) {
    headers = this.signed(headers)
    this.steps.push((call) => {
      const script = this
      script.open++
      const finish = (how) => {
        if (call.ended) return
        call.ended = how
        script.open--
      }
      let next = 0
      const stream = new ReadableStream(
        {
          start(controller) {
            call.init.signal?.addEventListener('abort', () => {
              if (!call.ended) controller.error(call.init.signal.reason)
              finish('aborted')
            })
          },
          pull(controller) {
            if (next < chunks.length) return controller.enqueue(encoder.encode(chunks[next++]))
            if (end === 'hang') return new Promise(() => {})
            finish(end)
            if (end === 'cut') controller.error(new TypeError('connection cut'))
            else controller.close()
          },
          cancel() {
            finish('cancelled')
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(stream, { status, headers })
    })
  }

  /** A response without a body stream. */
  text(status, headers, text) {
    headers = this.signed(headers)
    this.steps.push(() => new Response(text, { status, headers }))
  }

  /** A request that fails. */
  fail() {
    this.steps.push(() => {
      throw new TypeError('Failed to fetch')
    })
  }

  /** A request that is answered only by its own abort. */
  silence() {
    this.steps.push(
      (call) =>
        new Promise((_, reject) => {
          call.init.signal.addEventListener('abort', () => {
            call.ended = 'aborted'
            reject(call.init.signal.reason)
          })
        }),
    )
  }

  /** Answers by a function of the call. */
  by(answer) {
    this.steps.push(answer)
  }
}

/** Resolves when all that is under way in microtasks is done. */
export const settled = () => new Promise((resolve) => setTimeout(resolve))

export const unhandled = []
globalThis.addEventListener?.('unhandledrejection', (event) => {
  unhandled.push(String(event.reason))
})
export const unhandledRejections = () => unhandled.length

export const warnings = []
const warn = console.warn
console.warn = (...args) => {
  warnings.push(args.join(' '))
  warn(...args)
}
/** What was said on the console since the last call. */
export const takeWarnings = () => warnings.splice(0).join('\n')

export const nameOf = (error) => error?.name
export const constructorName = (value) => value?.constructor?.name
export const isTypeError = (value) => value instanceof TypeError
export const isError = (value) => value instanceof Error
export const codeOf = (error) => error?.code
export const messageOf = (error) => String(error?.message)

/** As instance.js has it: an instance, and this one does not break down. */
export function living(create) {
  // What Rust makes is what `new` answers.
  const Client = new Proxy(class {}, { construct: (_, [options]) => create(options) })
  const instance = { life: {}, Client }
  return () => instance
}

/** Runs statements with named values. As a module: policies refuse `new Function`. */
export async function evaluate(source, names, values) {
  const code = `export default async (${names}) => { ${source} }`
  const { default: run } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
  return run(...values)
}
