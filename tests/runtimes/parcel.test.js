import { join } from 'node:path'
import { checkJs } from './lib/check.js'
import { executes } from './lib/executes.js'
import { REFUSED } from './lib/policy.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkPage } from './lib/report.js'
import { serveStatic } from '../lib/static.js'
import { nowhere } from './lib/upstream.js'

// No "@parcel/resolver-default" in package.json: Parcel then reads `main` and not the exports map.
executes('Parcel, build', async (t) => {
  const { dir, bin, version } = await project('parcel')
  await run(bin('parcel'), ['build', 'index.html', '--no-cache'], { cwd: dir })
  const { url } = await serveStatic(t, join(dir, 'dist'))
  return `Parcel ${await version('parcel')}, ${await checkPage(t, `${url}/`)}`
})

executes('Parcel, build, durablefetch/js', async (t) => {
  const { dir, bin, version } = await project('parcel')
  await run(bin('parcel'), ['build', 'js.html', '--no-cache'], { cwd: dir })
  const { url } = await serveStatic(t, join(dir, 'dist'), REFUSED)
  return `Parcel ${await version('parcel')}, ${await checkPage(t, `${url}/js.html`, { check: checkJs })}`
})

executes('Parcel, dev server', async (t) => {
  const { dir, bin, version } = await project('parcel')
  // Parcel does not take port 0: a port that was free a moment ago.
  const { port } = new URL(await nowhere())
  const { found } = await serve(
    t,
    bin('parcel'),
    ['index.html', '--no-cache', '--no-hmr', '--port', port, '--host', '127.0.0.1'],
    {
      cwd: dir,
      ready: /Server running at (http:\/\/\S+)/,
    },
  )
  return `Parcel ${await version('parcel')}, ${await checkPage(t, `${found[1]}/`)}`
})
