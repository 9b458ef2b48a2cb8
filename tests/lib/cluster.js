// Three recorders over one PostgreSQL, and nginx in front, which passes each request to the next of them.
import { startKillableRecorder } from './killable-recorder.js'
import { freePort } from './listen.js'
import { runNginx } from './nginx.js'
import { startPostgres } from './postgres.js'

const NODES = 3

/** `flags`: more of `durablefetch serve`, for each. */
export async function startCluster({ flags = [] } = {}) {
  const postgres = await startPostgres()
  const port = await freePort()
  const url = `http://localhost:${port}`
  const start = async (node) => {
    const peer = await freePort()
    const shared = ['--cluster', postgres.url, '--peer-listen', `127.0.0.1:${peer}`, '--node', `node-${node}`]
    return startKillableRecorder({ args: [...shared, ...flags], kind: 'native' })
  }
  const nodes = await Promise.all(Array.from({ length: NODES }, (_, node) => start(node)))
  const nginx = await runNginx(
    () => `
      access_log off;
      upstream recorders {
        ${nodes.map((node) => `server 127.0.0.1:${node.port};`).join(' ')}
        keepalive 64;
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $http_host;
          proxy_read_timeout 1h;
          proxy_pass http://recorders;
        }
      }`,
  )
  return {
    port,
    url,
    nodes,
    postgres,
    async stop() {
      await nginx.stop()
      await Promise.all(nodes.map((node) => node.stop()))
      await postgres.stop()
    },
  }
}
