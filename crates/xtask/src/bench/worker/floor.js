// What workerd itself takes for a chunk, so that a recorder's figures can be read: nothing here is stored, checked or
// survives. `/pass/HOST/PATH` hands the upstream's body through one Durable Object, and its bytes never enter
// JavaScript. `/fan/HOST/PATH` reads it in JavaScript and writes each chunk to every reader, with no more code than that takes.
import { DurableObject } from 'cloudflare:workers'

export default {
  fetch(request, env) {
    return env.FLOOR.get(env.FLOOR.idFromName(request.url)).fetch(request)
  },
}

export class Floor extends DurableObject {
  chunks = []
  writers = []

  fetch(request) {
    const [, mode, upstream] = /^\/(\w+)\/(.*)$/.exec(new URL(request.url).pathname)
    if (mode === 'pass') return fetch(`http://${upstream}`)
    const { readable, writable } = new IdentityTransformStream()
    const writer = writable.getWriter()
    for (const chunk of this.chunks) writer.write(chunk)
    if (this.writers.push(writer) === 1) this.pump(`http://${upstream}`)
    return new Response(readable)
  }

  async pump(url) {
    const reader = (await fetch(url)).body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      this.chunks.push(value)
      for (const writer of this.writers) writer.write(value)
    }
    for (const writer of this.writers) writer.close()
  }
}
