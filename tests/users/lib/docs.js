// docs/what-takes-a-fetch.md, from the cases that the tests execute.
import { readFileSync } from 'node:fs'
import { versionsOf } from './versions.js'

const SNIPPET = /^( *)\/\/ snippet:begin\n(.*?)^ *\/\/ snippet:end/ms

const INTRO = `# What takes a \`fetch\`

<!-- Written from tests/users/cases/: npm run write --prefix tests/users -->

Whatever takes a \`fetch\` takes \`df.fetch\`, unchanged: it is bound, so it may be passed around on its own, and what it
resolves with is a real \`Response\`. Each snippet below is executed by \`cargo xtask test --all\` with the versions named,
through a recorder; all connections are cut in the middle of the answer, and the library has to get the whole of it.

\`\`\`js
import { DurableFetchClient } from 'durablefetch'

const df = new DurableFetchClient({ durablefetchHost: 'http://localhost:8787' })
\`\`\`

In the snippets \`upstream\` is the origin of the API, and \`id\` names one answer: the id of a message, or a UUID that
you keep for as long as you may want the answer again. A recording is kept by its URL. Two different questions to one
URL would meet in one recording while the first is being answered, so put the id into the URL.
`

/** `cases` as in cases/index.js; `aiSdk`: the lines on the AI SDK. */
export function docsOf(cases, aiSdk) {
  return [INTRO, aiSdk, ...Object.entries(cases).map(([name, one]) => sectionOf(one, sourceOf(`../cases/${name}.js`)))].join('\n')
}

export function sectionOf({ title, packages, where, note }, source) {
  const places = where.map((one) => ({ node: 'Node', chromium: 'Chromium' })[one]).join(' and ')
  return `## ${title}\n\n${note ? `${note}\n\n` : ''}\`\`\`js\n${snippetOf(source)}\`\`\`\n\nExecuted: ${versionsOf(packages)}, in ${places}.\n`
}

export function sourceOf(relative) {
  return readFileSync(new URL(relative, import.meta.url), 'utf8')
}

function snippetOf(source) {
  const [, indent, text] = SNIPPET.exec(source) ?? [undefined, '', undefined]
  if (text === undefined) throw new Error(`no snippet in ${source}`)
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
}
