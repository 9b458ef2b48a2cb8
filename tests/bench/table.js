// What was measured, as Markdown.

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
export const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]

/** `rows`: `{ what, native, ours, verdict, target }`, all text but `ok`. */
export function tableOf(rows, { chromium, machine, date, rounds }) {
  const lines = rows.map(({ what, native, ours, compared, target, ok }) =>
    `| ${what} | ${native} | ${ours} | ${compared} | ${target}${ok === undefined ? '' : ok ? ': met' : ': **missed**'} |`)
  return `# The client beside native fetch

<!-- Written by \`cargo xtask bench client\` -->

Chromium ${chromium}, headless, on ${machine}, ${date}. Each comparison ran in one page, native \`fetch\` and \`df.fetch\` in turns (whoever
came first changed with each round), both reading the same recordings straight from the same release build of the recorder on loopback.
Medians of ${rounds} rounds; ratios are medians of the ratios within a round.

| what | native fetch | df.fetch | compared | target |
|---|---|---|---|---|
${lines.join('\n')}
`
}
