// nginx as a distribution ships it, in front of the recorder. It listens on a socket of the file system, since it
// cannot be asked for a free port; a TCP proxy gives it one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { within } from './deadline.js'
import { startCutProxy } from './cut-proxy.js'

export const NGINX = process.env.NGINX ?? '/usr/sbin/nginx'

/**
 * `location`: directives besides `proxy_pass`; without any it has its defaults. `keepsAlive`: it speaks HTTP/1.1 to the
 * recorder and uses a connection again, as one sets it up who measures. `scheme`: `https` for a recorder with a certificate.
 */
export async function startNginx({ targetPort, location = '', keepsAlive = false, scheme = 'http' }) {
  const nginx = await runNginx(
    (dir) => `
      log_format asked '$upstream_addr $request';
      access_log ${keepsAlive ? `${dir}/asked asked` : 'off'};
      upstream recorder {
        server 127.0.0.1:${targetPort};
        keepalive 1;
      }
      server {
        listen unix:${dir}/socket;
        location / {
          ${location.replace('DIR', dir)}
          ${keepsAlive ? 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;' : ''}
          proxy_pass ${scheme}://${keepsAlive ? 'recorder' : `127.0.0.1:${targetPort}`};
        }
      }`,
  )
  const { dir } = nginx
  const port = await startCutProxy({ target: { path: join(dir, 'socket') } })
  return {
    url: port.url,
    port: port.port,
    cutNow: port.cutNow,
    /** Whether there is a file `fail` in its folder (`DIR` in `location`). */
    fail: (yes) => (yes ? writeFile(join(dir, 'fail'), '') : rm(join(dir, 'fail'))),
    /** The requests that it has asked the recorder, where it `keepsAlive`. */
    asked: async () => (await readFile(join(dir, 'asked'), 'utf8')).split('\n').filter((line) => /^[0-9]/.test(line)),
    log: nginx.log,
    async stop() {
      await port.stop()
      await nginx.stop()
    },
  }
}

/** Runs it in a folder of its own, `dir`, once it listens. `http(dir)`: what stands in that block besides paths. */
export async function runNginx(http) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-nginx-'))
  await chmod(dir, 0o755)
  const config = `
    daemon off;
    pid ${dir}/pid;
    error_log stderr info;
    events {}
    http {
      client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
      uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
      ${http(dir)}
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
  return {
    dir,
    /** What it has logged. */
    log: () => lines.join(''),
    async stop() {
      // Its master ends the workers.
      child.kill('SIGTERM')
      await once(child, 'exit').catch(() => {})
      await rm(dir, { recursive: true, force: true })
    },
  }
}
