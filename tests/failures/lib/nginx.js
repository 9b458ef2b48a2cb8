// nginx as a distribution ships it, in front of the recorder. It listens on a socket of the file system, since it
// cannot be asked for a free port; a TCP proxy gives it one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { within } from '../../lib/deadline.js'
import { startCutProxy } from '../../lib/cut-proxy.js'

export const NGINX = process.env.NGINX ?? '/usr/sbin/nginx'

/** `location`: directives besides `proxy_pass`; without any it has its defaults. */
export async function startNginx({ targetPort, location = '' }) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-nginx-'))
  await chmod(dir, 0o755)
  const socket = join(dir, 'socket')
  const config = `
    daemon off;
    pid ${dir}/pid;
    error_log stderr info;
    events {}
    http {
      access_log off;
      client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
      uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
      server {
        listen unix:${socket};
        location / {
          ${location.replace('DIR', dir)}
          proxy_pass http://127.0.0.1:${targetPort};
        }
      }
    }`
  await writeFile(join(dir, 'nginx.conf'), config)
  const watcher = watch(dir)
  // Written once it listens.
  const exists = () =>
    access(join(dir, 'pid')).then(
      () => true,
      () => false,
    )
  const appeared = async () => {
    for (;;) {
      // Listened for before looking, so that nothing is missed in between.
      const changed = once(watcher, 'change')
      if (await exists()) return
      await changed
    }
  }
  const child = spawn(NGINX, ['-p', dir, '-e', 'stderr', '-c', join(dir, 'nginx.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = []
  child.stderr.on('data', (text) => lines.push(String(text)))
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${NGINX} ended (${code}):\n${lines.join('')}`)
  })
  ended.catch(() => {})
  try {
    await within(20_000, 'nginx listens', Promise.race([appeared(), ended]))
  } catch (error) {
    child.kill('SIGTERM')
    throw error
  } finally {
    watcher.close()
  }
  const port = await startCutProxy({ target: { path: socket } })
  return {
    url: port.url,
    port: port.port,
    cutNow: port.cutNow,
    /** Whether there is a file `fail` in its folder (`DIR` in `location`). */
    fail: (yes) => (yes ? writeFile(join(dir, 'fail'), '') : rm(join(dir, 'fail'))),
    /** What it has logged. */
    log: () => lines.join(''),
    async stop() {
      await port.stop()
      // Its master ends the workers.
      child.kill('SIGTERM')
      await once(child, 'exit').catch(() => {})
      await rm(dir, { recursive: true, force: true })
    },
  }
}
