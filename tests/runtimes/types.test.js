import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { executes } from './lib/executes.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'

const CONFIGS = {
  'for Node, as `typeof fetch`': { file: 'tsconfig.json' },
  'for bundlers, as `typeof fetch`': { file: 'tsconfig.bundler.json' },
  'chatTransport() for AI SDK 5': { file: 'tsconfig.ai.json', sdk: 'ai5' },
  'chatTransport() for AI SDK 6': { file: 'tsconfig.ai.json', sdk: 'ai6' },
  'chatTransport() for AI SDK 7': { file: 'tsconfig.ai.json', sdk: 'ai7' },
}

for (const compiler of ['typescript', 'typescript5']) {
  for (const [what, { file, sdk }] of Object.entries(CONFIGS)) {
    executes(`types, ${compiler === 'typescript' ? 'newest' : 'older'} TypeScript: ${what}`, async () => {
      const { dir, version } = await project('types')
      const config = { extends: `./${file}`, compilerOptions: sdk ? { paths: { ai: [`./node_modules/${sdk}`] } } : {} }
      await writeFile(join(dir, 'tsconfig.run.json'), JSON.stringify(config))
      await run(process.execPath, [join(dir, 'node_modules', compiler, 'bin/tsc'), '--project', 'tsconfig.run.json'], {
        cwd: dir,
      })
      const versions = [`TypeScript ${await version(compiler)}`, ...(sdk ? [`ai ${await version(sdk)}`] : [])]
      return versions.join(', ')
    })
  }
}
