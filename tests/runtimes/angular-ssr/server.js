import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import {
  AngularNodeAppEngine,
  createNodeRequestHandler,
  isMainModule,
  writeResponseToNodeResponse,
} from '@angular/ssr/node'

const engine = new AngularNodeAppEngine()
const BROWSER = new URL('../browser/', import.meta.url)

export const reqHandler = createNodeRequestHandler(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://app')
  const script = pathname.endsWith('.js') && (await readFile(new URL(`.${pathname}`, BROWSER)).catch(() => undefined))
  if (script) return response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
  const page = await engine.handle(request)
  if (page) return writeResponseToNodeResponse(page, response)
  response.writeHead(404).end()
})

if (isMainModule(import.meta.url)) {
  const { HOST, PORT } = process.env
  createServer(reqHandler).listen(PORT, HOST, () => console.log(`http://${HOST}:${PORT}`))
}
