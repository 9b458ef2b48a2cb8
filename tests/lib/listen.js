// The HTTP servers of tests: each on a free port of this machine.
import './exit.js'
import { once } from 'node:events'
import { createServer } from 'node:http'

/** Starts it. Resolves with its port, and with `stop`, which cuts what is open and resolves once the port is free. */
export async function listen(server, { host = '127.0.0.1', port = 0 } = {}) {
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: server.address().port,
    async stop() {
      server.closeAllConnections?.() // HTTP/2 has sessions instead, which the test closes
      server.close()
      await once(server, 'close')
    },
  }
}

/** A port that nobody listens on at the moment, for a program that has to be told one. */
export async function freePort() {
  const { port, stop } = await listen(createServer())
  await stop()
  return port
}
