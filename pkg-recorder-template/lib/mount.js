// @ts-check
// A recorder below a path of a Node server: what comes for it is passed on, byte for byte and at once.
import { request } from 'node:http'

/** Of one connection alone (RFC 9110, 7.6.1). */
const HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/**
 * A Connect middleware.
 * @param {string} base the path, as `/df`
 * @param {() => Promise<string>} recorder resolves to the address that the recorder listens on
 * @returns {(req: any, res: any, next: (error?: unknown) => void) => void}
 */
export function mount(base, recorder) {
  return (req, res, next) => {
    const path = below(base, req.originalUrl ?? req.url)
    if (path === undefined) return next()
    recorder().then(
      (url) => passOn(req, res, url, path),
      (error) => fail(res, error),
    )
  }
}

/** What is behind the base in a request's target; `undefined` of what is not below it. @param {string} base @param {string} target */
function below(base, target) {
  if (!target.startsWith(base)) return undefined
  const rest = target.slice(base.length)
  return rest === '' ? '/' : /^[/?]/.test(rest) ? rest.replace(/^\?/, '/?') : undefined
}

/** @param {any} req @param {any} res @param {string} url @param {string} path */
function passOn(req, res, url, path) {
  const { hostname, port } = new URL(url)
  const host = req.headers.host ?? req.headers[':authority']
  const asked = request({ hostname, port, path, method: req.method, headers: headers(req, host), agent: false })
  asked.on('response', (answer) => {
    // Without a reason phrase, which HTTP/2 does not have.
    res.writeHead(answer.statusCode, Object.fromEntries(forwarded(answer.headers)))
    // The head goes out before the first byte of the body is there.
    res.flushHeaders?.()
    answer.pipe(res)
    // A cut is passed on as a cut: an orderly end would look like the whole.
    answer.on('aborted', () => res.destroy())
  })
  asked.on('error', (error) => fail(res, error))
  res.on('close', () => asked.destroy())
  req.pipe(asked)
}

/** Of HTTP/2's pseudo-headers none goes on either. @param {Record<string, any>} given */
const forwarded = (given) => Object.entries(given).filter(([name]) => !name.startsWith(':') && !HOP.includes(name))

/** @param {any} req @param {string} host */
function headers(req, host) {
  const encrypted = req.socket.encrypted ?? false
  return {
    ...Object.fromEntries(forwarded(req.headers)),
    host,
    'x-forwarded-host': req.headers['x-forwarded-host'] ?? host,
    'x-forwarded-proto': req.headers['x-forwarded-proto'] ?? (encrypted ? 'https' : 'http'),
    'x-forwarded-for': [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean).join(', '),
  }
}

/** @param {any} res @param {unknown} error */
function fail(res, error) {
  if (res.headersSent) return res.destroy()
  const message = error instanceof Error ? error.message : String(error)
  res.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' })
  res.end(`durablefetch: the recorder cannot be reached: ${message}\n`)
}
