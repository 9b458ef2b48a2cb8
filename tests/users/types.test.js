import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installOurs } from './lib/ours.js'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

test('tsc --strict: every library takes df.fetch, the AI SDK 5, 6 and 7 take df.chatTransport', async (t) => {
  const { nodeModules } = await installOurs(t)
  const config = {
    extends: path('types/tsconfig.json'),
    // Our package is not among this folder's; it is the one that was just packed.
    compilerOptions: { paths: { durablefetch: [join(nodeModules, 'durablefetch/index.d.ts')] } },
    files: [path('types/use.ts')],
  }
  const file = join(nodeModules, '../tsconfig.json')
  await writeFile(file, JSON.stringify(config))
  try {
    await promisify(execFile)(process.execPath, [path('node_modules/typescript/bin/tsc'), '--project', file])
  } catch (error) {
    throw new Error(`${error.stdout}\n${error.stderr}`)
  }
})
