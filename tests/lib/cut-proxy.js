// A TCP proxy that can cut every connection at a chosen byte: what a dead spot does to a phone.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** `target`: as for `net.connect`, where it is not a port of this machine. */
export async function startCutProxy({ targetPort, target: to = { port: targetPort, host: '127.0.0.1' } }) {
  const pairs = new Set()
  let budget = Infinity
  let passedOn = 0
  let refuses = false
  let onCut = () => {}

  const cutAll = () => {
    budget = Infinity
    for (const pair of pairs) {
      pair.client.resetAndDestroy()
      pair.target.destroy()
    }
    onCut()
  }

  const server = createServer((client) => {
    if (refuses) return client.on('error', () => {}).resetAndDestroy()
    const target = connect(to)
    const pair = { client, target }
    pairs.add(pair)
    const close = () => {
      pairs.delete(pair)
      client.destroy()
      target.destroy()
    }
    client.pipe(target)
    target.on('data', (bytes) => {
      const passed = bytes.subarray(0, Math.min(bytes.length, budget))
      budget -= passed.length
      passedOn += passed.length
      // A browser that does not read makes the recorder wait: no more is taken than it takes.
      if (!client.write(passed)) target.pause()
      if (budget === 0) cutAll()
    })
    client.on('drain', () => target.resume())
    // An end is passed on as an end: only a cut may look like a cut.
    target.on('end', () => client.end())
    for (const socket of [client, target]) socket.on('error', close).on('close', close)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: server.address().port,
    url: `http://localhost:${server.address().port}`,
    /** Cuts all connections after that many more bytes towards the browser. Resolves when it has. */
    cutAfter(bytes) {
      budget = bytes
      return new Promise((resolve) => (onCut = resolve))
    },
    /** Bytes that went towards the browser so far. */
    passed: () => passedOn,
    /** Cuts all connections, now. */
    cutNow: cutAll,
    /** From now on it resets every new connection, or passes them on again. */
    refuse: (yes) => (refuses = yes),
    async stop() {
      server.close()
      for (const { client, target } of pairs) {
        client.destroy()
        target.destroy()
      }
      await once(server, 'close')
    },
  }
}
