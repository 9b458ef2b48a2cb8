import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkServer } from './lib/report.js'

// What wrangler does to a worker's modules: its conditions, and .wasm files as modules of their own.
const BUNDLE = ['--bundle', '--format=esm', '--outdir=dist', '--conditions=workerd,worker,browser']
const MODULES = ['--loader:.wasm=copy', '--asset-names=[name]']

// Before 2024-11-11 a request with a `cache` option throws there.
for (const [name, date] of [
  ['workerd', '2026-11-01'],
  ['workerd, an older compatibility date', '2024-09-23'],
]) {
  executes(name, (t) => checkWorker(t, date))
}

async function checkWorker(t, date) {
  const { dir, bin, version } = await project('workerd')
  const config = join(dir, 'config.capnp')
  await writeFile(config, (await readFile(config, 'utf8')).replace('2026-11-01', date))
  await run(bin('esbuild'), ['worker.js', ...BUNDLE, ...MODULES], { cwd: dir })
  const { found } = await serve(t, bin('workerd'), ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: dir,
    pipes: 1,
    ready: /"event":"listen".*"port":(\d+)/,
  })
  await checkServer(t, `http://127.0.0.1:${found[1]}/`)
  return `workerd ${await version('workerd')}, esbuild ${await version('esbuild')}`
}
