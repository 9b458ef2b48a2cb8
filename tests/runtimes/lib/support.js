// docs/support.md: what was executed, with versions. Runtimes and bundlers from the rows of this run; libraries and
// other programs from the lockfiles of the tests that execute them.
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { path } from './places.js'
import { POWERS } from '../../lib/powers.js'

const LIBRARIES = [
  ['AI SDK 5: `useChat`, `useCompletion`', ['ai-5', 'ai-react-5']],
  ['AI SDK 6: `useChat`, `useCompletion`', ['ai-6', 'ai-react-6']],
  ['AI SDK 7: `useChat`, `useCompletion`', ['ai-7', 'ai-react-7']],
  ['OpenAI SDK', ['openai']],
  ['Anthropic SDK', ['@anthropic-ai/sdk']],
  ['TanStack AI', ['@tanstack/ai', '@tanstack/ai-client']],
  ['tRPC `httpBatchStreamLink`', ['@trpc/client', '@trpc/server']],
  ['ky', ['ky']],
  ['EventSource', ['eventsource']],
  ['eventsource-parser', ['eventsource-parser']],
  ['fetch-event-source', ['@microsoft/fetch-event-source']],
  ['React, under StrictMode', ['react', 'react-dom']],
]

/** The recorder's, and what shows that it runs there. */
const PLATFORMS = [
  [
    '`linux-x64`',
    'static, with musl',
    'from its tarball by each installer, and in a Debian that has Node only; alone where there is not even a C library (`tests/node-only`)',
  ],
  ['`linux-arm64`', 'static, with musl', 'under qemu by `tests/arm64`; never on such a processor'],
  [
    '`darwin-x64`, `darwin-arm64`',
    'by zig, with stubs of two frameworks in place of Apple’s SDK; that for arm64 has the signature of the linker, without which a Mac runs nothing',
    'no',
  ],
  ['`win32-x64`', 'by zig, for mingw', 'under wine 8.0 by `tests/windows`; never on Windows'],
  ['other systems', 'no: [build it with Rust](recorder-package.md#install-it)', '–'],
]

/** These are the system's: whoever runs the tests has other ones. */
const OF_THE_SYSTEM = /\b(Chromium|Firefox|WebKitGTK|Node|npm|nginx) v?[\d.]+(esr)?/g

/** The page. `rows`: `{ name, versions }` of what has passed. */
export async function supportPage(rows) {
  const libraries = await versions('../../users/package-lock.json')
  const compatible = await versions('../../seed-compat/package-lock.json')
  const example = await versions('../../../examples/chat/package-lock.json')
  const engines = ['Chromium', 'Firefox', 'WebKitGTK'].map((engine) => versionIn(rows, engine))
  return `# What it was tried with

<!-- Written from a run of tests/runtimes by npm run write --prefix tests/runtimes; a run that differs fails. -->

Everything here is executed by \`cargo xtask test --all\`, from the packed package, through a real recorder. Other versions
are likely to work; these did.

## Runtimes and bundlers

| executed | with |
|---|---|
${rows.map(({ name, versions }) => `| ${name} | ${versions} |`).join('\n')}

## The recorder's program

What \`cargo xtask package --recorder\` makes; the installers of its package are rows of the table above.

| platform | built | executed |
|---|---|---|
${PLATFORMS.map((row) => `| ${row.join(' | ')} |`).join('\n')}

## Libraries that take a \`fetch\`

In Node ${process.versions.node}, ${engines.join(', ')}; how, is in [what takes a fetch](what-takes-a-fetch.md).

| library | versions |
|---|---|
${LIBRARIES.map(([title, names]) => `| ${title} | ${names.map(libraries).join(', ')} |`).join('\n')}

## Browsers

${engines.join(', ')}: whatever a row above names, it was executed in. \`tests/engines\` runs streams, cuts,
reloads, Stop and forms with files in all three, \`tests/e2e\` the chat, \`tests/users\` the libraries, \`tests/failures\` what goes
wrong in between, and \`tests/fidelity\` whatever native \`fetch\` does.

What an engine cannot do in these tests:

| engine | what it cannot do | what follows |
|---|---|---|
${POWERS.map(([engine, , what, then, link]) => `| ${engine} | [${what}](${link}) | ${then} |`).join('\n')}

## Between the page and the recorder

| in between | versions | how |
|---|---|---|
| nginx | ${nginx()} | with its defaults, HTTP/1.0 towards the recorder |
| Vite's dev proxy | ${example('vite')} | the recorder at a path of the page's own origin |
| durablefetch 0.1.0's worker instead of a recorder | ${compatible('original')} on ${compatible('workerd')} | no continuation there: plain replay |
`
}

/** `Chromium 156.0`, as a row has it. A run without this engine says nothing about support. */
function versionIn(rows, engine) {
  const found = new RegExp(`${engine} [\\d.]+(esr)?`).exec(rows.map(({ versions }) => versions).join(' '))
  if (!found)
    throw new Error(`no row has ${engine}: docs/support.md is written from a run in every engine, without ENGINE`)
  return found[0]
}

/** Whether two pages say the same, versions of the system's programs apart. */
export const sameSupport = (one, other) => one.replaceAll(OF_THE_SYSTEM, '$1') === other.replaceAll(OF_THE_SYSTEM, '$1')

/** A function that gives `name version` of what a lockfile installs under this name. */
async function versions(lockfile) {
  const { packages } = JSON.parse(await readFile(path(lockfile), 'utf8'))
  return (installed) => {
    const { name = installed, version } = packages[`node_modules/${installed}`]
    return `${name} ${version}`
  }
}

/** `nginx 1.22.1`; `cargo xtask test --all` has installed it by now. */
function nginx() {
  const { stderr } = spawnSync(process.env.NGINX ?? '/usr/sbin/nginx', ['-v'], { encoding: 'utf8' })
  return `nginx ${/nginx\/([\d.]+)/.exec(stderr)?.[1]}`
}
