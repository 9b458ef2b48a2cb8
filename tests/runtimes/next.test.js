import assert from 'node:assert/strict'
import { executes } from './lib/executes.js'
import { checkReport } from './lib/check.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkPage, checkServer } from './lib/report.js'

const SERVE = ['--hostname', '127.0.0.1', '--port', '0']
const READY = /Local:\s+(http:\/\/\S+)/

/** The page as rendered on the server and as used in each engine, and route handlers of both of Next's server runtimes. */
async function checkSite(t, site) {
  const html = await (await fetch(site)).text()
  assert.match(html, /data-on-server="function"/, 'imported by a server component')
  assert.match(html, /data-client="function"/, 'a client made during server rendering')
  await checkServer(t, `${site}/server`, { check: onServer })
  await checkServer(t, `${site}/edge`, { check: onServer })
  return checkPage(t, `${site}/`, { check: withAClient })
}

/** The server may have rendered the page with the same instance before, or in another process. */
function onServer(report, world) {
  checkReport(report, world, { atImport: report.instancesAtImport })
}

/** The page's component makes a client before the report begins, and the module is compiled while the page goes on. */
function withAClient(report, world) {
  assert.ok(report.instancesAtImport <= 1, `${report.instancesAtImport} instances`)
  checkReport(report, world, { atImport: report.instancesAtImport })
}

for (const bundler of ['turbopack', 'webpack']) {
  executes(`Next, ${bundler}, build and start`, async (t) => {
    const { dir, bin, version } = await project('next')
    await run(bin('next'), ['build', `--${bundler}`], { cwd: dir })
    const { found } = await serve(t, bin('next'), ['start', ...SERVE], { cwd: dir, ready: READY })
    return `Next ${await version('next')}, React ${await version('react')}, ${await checkSite(t, found[1])}`
  })

  executes(`Next, ${bundler}, dev`, async (t) => {
    const { dir, bin, version } = await project('next')
    const { found } = await serve(t, bin('next'), ['dev', `--${bundler}`, ...SERVE], { cwd: dir, ready: READY })
    return `Next ${await version('next')}, React ${await version('react')}, ${await checkSite(t, found[1])}`
  })
}
