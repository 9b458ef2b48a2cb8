import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { bin, freshProject, node } from './lib/project.js'

test('tsc --strict accepts every use of the types in fixtures/types, and rejects the wrong ones', async (t) => {
  const { dir } = await freshProject(t, 'types')
  await node(dir, [bin.tsc, '--project', 'tsconfig.json'])
})

test("the example chat's own types hold, with the AI SDK's DefaultChatTransport", async () => {
  const example = fileURLToPath(new URL('../../examples/chat', import.meta.url))
  await node(example, [bin.tsc, '--project', 'tsconfig.json'])
})
