// docs/fidelity.md, from what was seen.

/** `results`: per group `{ title, rows: [{ name, native, ours, because? }] }`; `versions`: what was executed. */
export function tableOf(results, versions) {
  const all = results.flatMap((group) => group.rows)
  const equal = all.filter((row) => !row.because).length
  return `# df.fetch beside native fetch

<!-- Written by the tests: npm run write --prefix tests/fidelity -->

Each row was executed twice in the same page of Chromium ${versions.chromium}, against the same server on another origin:
once with the browser's own \`fetch\`, once with \`df.fetch\` through the native recorder. ${equal} of ${all.length} are equal; each of
the others says why. The rows are in \`tests/fidelity/behaviours/\`, and \`cargo xtask test --all\` checks them and this page.

${results.map(groupOf).join('\n')}`
}

function groupOf({ title, rows }) {
  const lines = rows.map(({ name, native, ours, because }) => {
    const cells = [escaped(name), shown(native), because ? shown(ours) : '=', because ? escaped(because) : '']
    return `| ${cells.join(' | ')} |`
  })
  return `## ${title}\n\n| behaviour | native fetch | df.fetch | why |\n|---|---|---|---|\n${lines.join('\n')}\n`
}

const shown = (value) => `\`${escaped(JSON.stringify(value))}\``
const escaped = (text) => text.replaceAll('|', '\\|')
