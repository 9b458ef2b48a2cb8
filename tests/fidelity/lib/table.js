// docs/fidelity.md, from what was seen.
import { isDeepStrictEqual } from 'node:util'

const NAMES = { chromium: 'Chromium', firefox: 'Firefox', webkit: 'WebKit' }

/**
 * `groups`: `{ title, rows: [{ name, is, because, in: { engine: { native, ours } } }] }`, where `because` is a list.
 * `versions`: of each engine, by its name.
 */
export function tableOf(groups, versions) {
  const engines = Object.keys(versions)
  const all = groups.flatMap(({ rows }) => rows)
  const equal = (engine) =>
    all.filter(({ in: seen }) => isDeepStrictEqual(seen[engine].native, seen[engine].ours)).length
  const counts = engines.map((engine) => `${equal(engine)} in ${NAMES[engine]}`)
  return `# df.fetch beside native fetch

<!-- Written by the tests: npm run write --prefix tests/fidelity -->

Each of these ${all.length} behaviours was executed twice in the same page, against the same server on another origin: once with the
browser's own \`fetch\`, once with \`df.fetch\` through the native recorder. The browsers: ${Object.values(versions).join(', ')}.

So many are the same as with the fetch of the same browser: ${counts.join(', ')}. Each of the others says why.

An engine's column has what \`df.fetch\` gives there; \`=\` is what native fetch gives. Where the native fetch of that engine
gives something else than the others', the column has both. The rows are in \`tests/fidelity/behaviours/\`, and
\`cargo xtask test --all\` checks them and this page.

${groups.map((group) => groupOf(group, engines)).join('\n')}`
}

function groupOf({ title, rows }, engines) {
  const head = ['behaviour', 'native fetch', ...engines.map((engine) => NAMES[engine]), 'why']
  const lines = rows.map(({ name, is, because, in: seen }) => [
    escaped(name),
    shown(is),
    ...engines.map((engine) => cellOf(is, seen[engine])),
    because.map(escaped).join('. '),
  ])
  return `## ${title}\n\n${[head, head.map(() => '---'), ...lines].map(lineOf).join('\n')}\n`
}

function cellOf(is, { native, ours }) {
  const same = isDeepStrictEqual(native, ours)
  if (isDeepStrictEqual(native, is)) return same ? '=' : shown(ours)
  return same ? `both ${shown(native)}` : `native ${shown(native)}, df.fetch ${shown(ours)}`
}

const lineOf = (cells) => `| ${cells.join(' | ')} |`
const shown = (value) => `\`${escaped(JSON.stringify(value))}\``
const escaped = (text) => text.replaceAll('|', '\\|')
