// docs/what-takes-a-fetch.md, from the cases that the tests execute.
import { readFileSync } from 'node:fs'
import { versionsOf } from './versions.js'

const SNIPPET = /^( *)\/\/ snippet:begin\n(.*?)^ *\/\/ snippet:end/gms

const INTRO = `# What takes a \`fetch\`

<!-- Written from tests/users/ by npm run write --prefix tests/users -->

Whatever takes a \`fetch\` takes \`df.fetch\`, unchanged: it is bound, so it may be passed around on its own, and what it
resolves with is a real \`Response\`. Each snippet below is executed by \`cargo xtask test --all\` with the versions named,
through a recorder. In all but the last two, all connections are cut in the middle of the answer, and the library has to
get the whole of it.

\`\`\`js
import { DurableFetchClient } from 'durablefetch'

const df = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787' })
\`\`\`

In the snippets \`upstream\` is the origin of the API, \`received\` whatever you do with what has come so far, and \`id\`
names one answer: the id of a message, or a UUID that you keep for as long as you may want the answer again. A
recording is kept under its URL, and by an id in the URL you can ask for it, stop and delete it. Different requests of one
URL get an answer each; a recorder before 0.3 gives the second the answer that is being written for the first.

## What may be reused

The same request (method, URL, body) sent again gets the answer that is there. The option \`reuse\` says where that is not
meant; all but the default needs a recorder since 0.3.

| what takes the \`fetch\` | \`reuse\` |
|---|---|
| \`df.chatTransport\` | has its own rules; the option makes no difference |
| the AI SDK's plain transport (\`fetch: df.fetch\`), \`useCompletion\`, \`useObject\` | \`'live'\`: a second press of Regenerate sends the same bytes, and means a new answer |
| \`EventSource\` libraries | \`'live'\`, if the server ends its streams and its events have no ids: the same request asks for what comes next then. With ids the default will do |
| what asks again to see what has changed: tRPC's queries, polling | \`'live'\`. A JSON that says \`cache-control: no-store\` is asked for anew by default |
| MCP's \`StreamableHTTPClientTransport\` | \`'never'\`: all of a session is requests of one URL, and two clients' equal bodies are two calls |
| a server that asks a model for many people | \`'never'\`, unless equal prompts may have one answer |
| all else | \`'always'\`, the default: a repetition, or a reload that sends the same again, costs nothing |

\`\`\`js
const live = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787', reuse: 'live' })
const never = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787', reuse: 'never' })
\`\`\`

A cut costs no second request in any of the three: the response goes on where it was. After a reload \`'live'\` finds an
answer that is still being written, and \`'never'\` none.
`

/** The page. `cases` as in cases/index.js. */
export function docsOf(cases) {
  const sections = Object.entries(cases).map(([name, one]) => sectionOf(one, snippetsOf(`../cases/${name}.js`)))
  return [INTRO, aiSdk(), ...sections, serverRoute(), mcp()].join('\n')
}

function aiSdk() {
  const [resuming, plain, completion] = snippetsOf('../pages/lib/chat.jsx')
  const executed = [5, 6, 7].map((version) => versionsOf([`ai-${version}`, `ai-react-${version}`])).join('; ')
  return `## AI SDK 5, 6 and 7

With \`df.chatTransport\` a reload goes on where the answer is, without a route for it and without a store:

\`\`\`jsx
${resuming}\`\`\`

A \`fetch\` alone is enough for answers that survive a cut. \`live\` is the client above, so that each press of Regenerate
is a new answer; the URL names the chat:

\`\`\`jsx
${plain}\`\`\`

\`useCompletion\` the same; the URL names the completion:

\`\`\`jsx
${completion}\`\`\`

Executed: ${executed}, in Chromium, under React's StrictMode.
(AI SDK 7 asks for Node 22 or newer in its manifest; the tests run it on Node 20.)
`
}

function serverRoute() {
  const [provider, route] = snippetsOf('../server-route.test.js')
  return `## AI SDK on a server: \`createOpenAI\`

Every prompt of every person goes to one URL with one key. Each gets its own answer; \`never\`, the client above, also
where two of them are equal.

\`\`\`js
${provider}\`\`\`

And in the route:

\`\`\`js
${route}\`\`\`

Executed: ${versionsOf(['@ai-sdk/openai', 'ai-7'])}, in Node.
`
}

function mcp() {
  const [snippet] = snippetsOf('../mcp.test.js')
  return `## MCP: \`StreamableHTTPClientTransport\`

\`never\` is the client above. A server that has forgotten a session answers 404; connect anew then, as without
durablefetch. End a session with \`transport.terminateSession()\` before you close it: closing alone aborts, which leaves
the session's event stream open between recorder and server.

\`\`\`js
${snippet}\`\`\`

Executed: ${versionsOf(['@modelcontextprotocol/sdk'])}, in Node.
`
}

function sectionOf({ title, packages, where, note }, [snippet]) {
  const places = where.map((one) => ({ node: 'Node', browsers: 'Chromium, Firefox and WebKit' })[one]).join(' and ')
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
