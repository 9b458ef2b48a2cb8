import { executes } from './lib/executes.js'
import { run, serve } from './lib/process.js'
import { project } from './lib/project.js'
import { checkServer } from './lib/report.js'

// What wrangler does to a worker's modules: its conditions, and .wasm files as modules of their own.
const BUNDLE = ['--bundle', '--format=esm', '--outdir=dist', '--conditions=workerd,worker,browser']
const MODULES = ['--loader:.wasm=copy', '--asset-names=[name]']

executes('workerd', async (t) => {
  const { dir, bin, version } = await project('workerd')
  await run(bin('esbuild'), ['worker.js', ...BUNDLE, ...MODULES], { cwd: dir })
  const { found } = await serve(t, bin('workerd'), ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: dir,
    pipes: 1,
    ready: /"event":"listen".*"port":(\d+)/,
  })
  await checkServer(t, `http://127.0.0.1:${found[1]}/`)
  return `workerd ${await version('workerd')}, esbuild ${await version('esbuild')}`
})
