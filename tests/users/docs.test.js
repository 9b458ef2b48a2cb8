import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { cases } from './cases/index.js'
import { docsOf } from './lib/docs.js'
import { versionsOf } from './lib/versions.js'

const DOCS = new URL('../../docs/what-takes-a-fetch.md', import.meta.url)

const AI_SDK = `## AI SDK 5, 6 and 7

With \`resume: true\` a reload goes on where the answer is, without a route for it and without a store:

\`\`\`jsx
const [transport] = useState(() => new DefaultChatTransport(df.chatTransport({ api: '/api/chat' })))
const { messages, sendMessage, regenerate, stop } = useChat({ id, transport, resume: true })

const stopAll = async () => {
  await df.stopChat('/api/chat', id) // ends the answer upstream
  await stop() // the hook's own: it only stops reading
}
\`\`\`

\`fetch\` alone is enough for answers that survive a cut; the URL has to name the chat:

\`\`\`jsx
new DefaultChatTransport({ api: \`/api/chat?chatId=\${id}\`, fetch: df.fetch })
useCompletion({ api: \`/api/completion?id=\${id}\`, fetch: df.fetch })
\`\`\`

Executed: ${[5, 6, 7].map((version) => versionsOf([`ai-${version}`, `ai-react-${version}`])).join('; ')}, in Chromium, React's StrictMode.
(AI SDK 7 asks for Node 22 or newer in its manifest; in these tests it runs on Node 20.)
`

test('docs/what-takes-a-fetch.md shows what is executed here', async () => {
  const text = docsOf(cases, AI_SDK)
  if (process.env.USERS_WRITE) await writeFile(DOCS, text)
  assert.equal(await readFile(DOCS, 'utf8').catch(() => ''), text, 'it is out of date: npm run write --prefix tests/users')
})
