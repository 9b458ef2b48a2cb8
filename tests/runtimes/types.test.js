import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'

for (const compiler of ['typescript', 'typescript5']) {
  for (const [config, what] of [
    ['tsconfig.json', 'for Node, as `typeof fetch`'],
    ['tsconfig.bundler.json', 'for bundlers, as `typeof fetch`'],
    ['tsconfig.ai.json', 'chatTransport() for AI SDK 5, 6 and 7'],
  ]) {
    executes(`types, ${compiler === 'typescript' ? 'newest' : 'older'} TypeScript: ${what}`, async (t) => {
      const { dir, version } = await project('types')
      await run(process.execPath, [join(dir, 'node_modules', compiler, 'bin/tsc'), '--project', config], { cwd: dir })
      const sdks = config.includes('.ai.') ? await Promise.all(['ai5', 'ai6', 'ai7'].map(version)) : []
      return [`TypeScript ${await version(compiler)}`, ...sdks.map((sdk) => `ai ${sdk}`)].join(', ')
    })
  }
}
