// docs/what-takes-a-fetch.md, from the cases that the tests execute.
import { readFileSync } from 'node:fs'
import { versionsOf } from './versions.js'

const SNIPPET = /^( *)\/\/ snippet:begin\n(.*?)^ *\/\/ snippet:end/gms

const INTRO = `# What takes a \`fetch\`

<!-- Written from tests/users/ by npm run write --prefix tests/users -->

Whatever takes a \`fetch\` takes \`df.fetch\`, unchanged: it is bound, so it may be passed around on its own, and what it
resolves with is a real \`Response\`. Each snippet below is executed by \`cargo xtask test --all\` with the versions named,
through a recorder; all connections are cut in the middle of the answer, and the library has to get the whole of it.

\`\`\`js
import { DurableFetchClient } from 'durablefetch'

const df = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787' })
\`\`\`

In the snippets \`upstream\` is the origin of the API, \`received\` whatever you do with what has come so far, and \`id\`
names one answer: the id of a message, or a UUID that you keep for as long as you may want the answer again. A
recording is kept by its URL, so put the id into the URL: that is how you come back to it. Two different questions to one
URL get two answers from a recorder since 0.3; with an older one they meet in one recording while the first is being
answered.

## What may be reused

The same request sent again gets the answer that is there. Where that is not meant, the client's option \`reuse\` says so;
it needs a recorder since 0.3.

| what takes the \`fetch\` | \`reuse\` |
|---|---|
| \`df.chatTransport\` | has its own modes; the option makes no difference |
| the AI SDK's plain transport (\`fetch: df.fetch\`), \`useCompletion\`, \`useObject\` | \`'live'\`: Regenerate sends an identical body and means a new answer |
| \`eventsource\`, \`@microsoft/fetch-event-source\` and other \`EventSource\` libraries | \`'live'\`: they ask again when a stream has ended, and want what comes next |
| MCP's \`StreamableHTTPClientTransport\` | \`'never'\`: it sends many messages to one URL, and each is a call of its own |
| all else | \`'always'\`, the default |

\`\`\`js
const live = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787', reuse: 'live' })
const mcp = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787', reuse: 'never' })
\`\`\`

With \`'live'\` and \`'never'\` a lost connection costs nothing either: what goes on after it is the same response. A reload
finds the answer with \`'live'\` while it is being written, and with \`'never'\` not at all.
`

/** The page. `cases` as in cases/index.js. */
export function docsOf(cases) {
  const sections = Object.entries(cases).map(([name, one]) => sectionOf(one, snippetsOf(`../cases/${name}.js`)))
  return [INTRO, aiSdk(), ...sections].join('\n')
}

function aiSdk() {
  const [resuming, plain, completion] = snippetsOf('../pages/lib/chat.jsx')
  const executed = [5, 6, 7].map((version) => versionsOf([`ai-${version}`, `ai-react-${version}`])).join('; ')
  return `## AI SDK 5, 6 and 7

With \`df.chatTransport\` a reload goes on where the answer is, without a route for it and without a store:

\`\`\`jsx
${resuming}\`\`\`

\`df.fetch\` alone is enough for answers that survive a cut; the URL has to name the chat:

\`\`\`jsx
${plain}\`\`\`

\`useCompletion\` the same; the URL names the completion:

\`\`\`jsx
${completion}\`\`\`

Executed: ${executed}, in Chromium, under React's StrictMode.
(AI SDK 7 asks for Node 22 or newer in its manifest; the tests run it on Node 20.)
`
}

function sectionOf({ title, packages, where, note }, [snippet]) {
  const places = where.map((one) => ({ node: 'Node', chromium: 'Chromium' })[one]).join(' and ')
  return `## ${title}

${note ? `${note}\n\n` : ''}\`\`\`js
${snippet}\`\`\`

Executed: ${versionsOf(packages)}, in ${places}.
`
}

/** What stands between the marks in a file, without its indentation. */
function snippetsOf(relative) {
  const source = readFileSync(new URL(relative, import.meta.url), 'utf8')
  const found = [...source.matchAll(SNIPPET)].map(([, indent, text]) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
  if (found.length === 0) throw new Error(`no snippet in ${relative}`)
  return found
}
