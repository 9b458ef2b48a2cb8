// What is left of the client after a trap: nothing of the package is replaced for it.

const unheard = []
addEventListener('error', (event) => unheard.push(`error: ${event.message}`))
addEventListener('unhandledrejection', (event) => unheard.push(`rejection: ${event.reason}`))
let listeners = 0
for (const [name, by] of [
  ['addEventListener', 1],
  ['removeEventListener', -1],
]) {
  const native = EventTarget.prototype[name]
  EventTarget.prototype[name] = function (type, ...rest) {
    if (/^(online|pageshow|visibilitychange|resume)$/.test(type)) listeners += by
    return native.call(this ?? globalThis, type, ...rest)
  }
}

/**
 * `Other`: the client of another entry. `corrupt` breaks the newest instance, `made` says how many there were, `isOfModule` whether
 * an error comes from within one.
 */
export async function traps({ DurableFetchClient, DurableFetchError, Other, corrupt, made, isOfModule }, places) {
  const { recorder, upstream, id } = places
  const facts = factsOf(DurableFetchError, isOfModule)
  const told = (promise) => {
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'it hangs'))
    return Promise.race([promise.then(() => 'no rejection', facts), late])
  }
  const df = new DurableFetchClient({ durablefetchHost: recorder })
  const { fetch: detached } = df
  const address = (path, name) => `${upstream}/${path}?id=${id}-${name}`
  const release = (name) => fetch(address('release', name))
  const report = { instances: [], signals: [] }

  // In flight: a body that is being read, one that is read whole, one that nobody reads yet, one with a head to come,
  // a question, the options for a chat and a body that came by them.
  const first = (await df.fetch(address('stream', 'first'))).body.getReader()
  await first.read()
  const transport = df.chatTransport({ api: address('stream', 'chat') })
  const back = (id) => transport.prepareReconnectToStreamRequest({ id })
  const modes = async () => {
    const prepared = await Promise.all(['left', 'never begun'].map(back))
    return prepared.map(({ headers }) => headers['durablefetch-mode'])
  }
  const left = await back('left')
  const chat = (await transport.fetch(left.api)).body.getReader()
  await chat.read()
  const whole = (await df.fetch(address('open', 'whole'))).text()
  const idle = await df.fetch(address('open', 'idle'))
  let both
  const sent = new Promise((resolve) => (both = resolve))
  const never = (_input, init) => {
    if (report.signals.push(init.signal) === 2) both()
    return new Promise(() => {})
  }
  const deaf = new DurableFetchClient({ durablefetchHost: recorder, fetch: never })
  const pending = deaf.fetch(address('open', 'never'))
  const asked = deaf.isInProgress(address('open', 'never'))
  const reading = drained(first)
  df.saveLastMessage('kept', { text: 'hello' })
  await sent

  // Somebody listens to each before the next chunk arrives into it, which may be before the answer to `release`.
  const ends = {
    reading,
    whole,
    pending,
    asked,
    idle: reading.catch(() => idle.text()),
    chat: reading.catch(() => chat.read()),
  }
  const heard = Object.entries(ends).map(async ([name, end]) => [name, await told(end)])
  corrupt()
  await release('first')
  report.ends = Object.fromEntries(await Promise.all(heard))
  report.listeners = listeners
  report.signals = report.signals.map((signal) => signal.aborted)
  report.instances.push(made())

  // The same objects go on.
  report.lastMessage = df.lastMessage('kept')
  report.afterwards = await length(detached(address('stream', 'first')))
  await release('chat')
  // What broke off is replayed, so that it does not turn into half an answer that looks finished.
  report.modes = [await modes()]
  const { api, headers } = await back('left')
  report.transport = await length(transport.fetch(api, { headers }))
  report.modes.push(await modes())
  report.instances.push(made())

  // A trap within a call of the app: it rejects or throws, and the next one is fine.
  corrupt()
  report.call = await told(df.fetch(address('stream', 'first')))
  report.again = await length(df.fetch(address('stream', 'first')))
  corrupt()
  report.closure = await told(transport.fetch(address('stream', 'first')))
  report.transportAgain = await length(transport.fetch(address('stream', 'first')))
  corrupt()
  try {
    df.saveLastMessage('lost', 'x')
  } catch (error) {
    report.thrown = facts(error)
  }
  df.saveLastMessage('kept', 'y')
  report.kept = df.lastMessage('kept')
  corrupt()
  try {
    new DurableFetchClient({ durablefetchHost: recorder })
  } catch (error) {
    report.constructed = facts(error)
  }
  report.second = await length(new DurableFetchClient({ durablefetchHost: recorder }).fetch(address('stream', 'first')))
  // The other entry is the same instance.
  report.other = await length(new Other({ durablefetchHost: recorder }).fetch(address('stream', 'first')))
  report.instances.push(made())

  // Events that instances had waited for, and that come when they are gone, reach nobody.
  dispatchEvent(new Event('online'))
  await length(df.fetch(address('stream', 'first')))
  report.unheard = unheard
  return report
}

async function drained(reader) {
  while (!(await reader.read()).done);
}

async function length(response) {
  return (await (await response).arrayBuffer()).byteLength
}

const factsOf = (DurableFetchError, isOfModule) => (error) => {
  const { code, message, cause } = error
  const trap = /^(RuntimeError|Error)$/.test(cause?.name) && isOfModule(cause)
  return { ours: error instanceof DurableFetchError, code, message, trap }
}
