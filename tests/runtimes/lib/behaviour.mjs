// What every runtime does with the package, the same code everywhere; it returns what it saw, as JSON can say it.
// Copied into each project. It imports nothing, so that each project imports the package in its own way.

// Before the package is imported: how often is its module instantiated? It is known by its
// exports, whose names the build has shortened: Node's own fetch is made of a WebAssembly module, too.
const wasm = { instances: 0 }
if (typeof WebAssembly === 'object') {
  const count = ({ exports }) => {
    const isShort = Object.keys(exports).every((name) => name.length <= 3)
    if (isShort && Object.values(exports).some((one) => one instanceof WebAssembly.Memory)) wasm.instances += 1
  }
  const wrap = (name, handler) => {
    if (WebAssembly[name]) WebAssembly[name] = new Proxy(WebAssembly[name], handler)
  }
  wrap('Instance', {
    construct(...call) {
      const instance = Reflect.construct(...call)
      count(instance)
      return instance
    },
  })
  const apply = (...call) => {
    const made = Reflect.apply(...call)
    // A refusal is told to whoever asked.
    made.then(
      (made) => count(made.instance ?? made),
      () => {},
    )
    return made
  }
  wrap('instantiate', { apply })
  wrap('instantiateStreaming', { apply })
}

/** How many instances of it have been made in this page or process since this file was loaded. */
export const instances = () => wasm.instances

/**
 * @param {object} durablefetch what the package exports
 * @param {{ recorder: string, upstream: string, nowhere: string, id: string }} places
 */
export async function behave(
  { DurableFetchClient, DurableFetchError, isDurableFetchError },
  { recorder, upstream, nowhere, id },
) {
  const instancesAtImport = instances()
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  const url = `${upstream}/stream?id=${id}`
  const report = {
    instancesAtImport,
    ours: typeof df.stopChat === 'function' && typeof df.chatTransport === 'function',
  }

  // A body to its end. The upstream goes on only when told to, after the first bytes came: they came as a stream.
  const { fetch: detached } = df
  const response = await detached(url)
  report.response = {
    isResponse: response instanceof Response,
    url: response.url,
    status: response.status,
    header: response.headers.get('x-upstream'),
  }
  const reader = response.body.getReader()
  const chunks = [(await reader.read()).value]
  report.during = await df.isInProgress(url)
  await fetch(`${upstream}/release?id=${id}`)
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value)
  report.body = await summary(chunks)
  report.after = await df.isInProgress(url)

  // Once more: the recording.
  report.again = await summary([new Uint8Array(await (await df.fetch(url)).arrayBuffer())])
  report.deleted = await df.delete(url)
  report.gone = await df.isInProgress(url)

  // Deleted in the middle of a body: its reader gets an error and never a quiet end.
  const open = `${upstream}/open?id=${id}`
  const cut = (await df.fetch(open)).body.getReader()
  await cut.read()
  await df.delete(open)
  report.cut = await rejection(async () => {
    while (!(await cut.read()).done);
  })

  // No recorder there.
  const lost = new DurableFetchClient({
    durablefetchHost: nowhere,
    retry: { initialDelayMs: 20, maxDelayMs: 50, giveUpAfterMs: 300 },
  })
  report.lost = await rejection(() => lost.fetch(url))
  report.otherErrors = [new TypeError('network error'), undefined, {}].map(isDurableFetchError)
  report.instances = instances()
  return report

  async function rejection(run) {
    try {
      await run()
      return 'no rejection'
    } catch (error) {
      return facts(error, { DurableFetchError, isDurableFetchError })
    }
  }
}

/** What there is to ask of a rejection, with what the package exports for it. */
export const facts = (error, { DurableFetchError, isDurableFetchError }) => ({
  name: error?.name,
  code: error?.code,
  message: String(error?.message),
  isError: error instanceof Error,
  isTypeError: error instanceof TypeError,
  isDurableFetchError: error instanceof DurableFetchError,
  guard: isDurableFetchError(error),
})

/** Length and digest of what has come in these chunks. */
export async function summary(chunks) {
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer())
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return { length: bytes.length, digest: [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('') }
}

/** In a page: runs with what the address says, and writes the report where the test looks for it. */
export async function inPage(run) {
  const places = Object.fromEntries(new URLSearchParams(location.search))
  const out = document.createElement('pre')
  out.id = 'report'
  document.body.append(out)
  out.textContent = JSON.stringify(await reported(() => run(places)))
  out.dataset.done = ''
}

/** In a process: runs with what the environment says, and prints the report. */
export async function inProcess(run) {
  console.log(JSON.stringify(await reported(() => run(JSON.parse(process.env.PLACES)))))
}

/** The report, or what went wrong. */
export async function reported(run) {
  try {
    return await run()
  } catch (error) {
    return { error: told(error) }
  }
}

/** All that an error says: the stacks of Firefox and WebKit are without its message. */
export function told(error) {
  const text = `${error}\n${error?.stack}`
  return error?.cause ? `${text}\ncause: ${told(error.cause)}` : text
}

/**
 * Default entry and slim entry in one page, as two libraries of one app would use them: both initialise slim, and the
 * default entry does not wait for that. `source` is the address of the module.
 */
export async function behaveMixed(whole, slim, source, places) {
  const loading = [slim.initDurableFetch(source), slim.initDurableFetch(source)]
  const first = await behave(whole, places)
  await Promise.all(loading)
  const second = await behave(slim, { ...places, id: `${places.id}-slim` })
  await slim.initDurableFetch(source)
  return { first, second, oneErrorClass: whole.DurableFetchError === slim.DurableFetchError, instances: instances() }
}
