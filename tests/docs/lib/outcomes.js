// docs/outcomes.svg: what became of the runs in docs/reliability.md, drawn. Colours are those of crates/bench's plots.
const WIDTH = 760
const LEFT = 265
const ROOM = 415
const BAR = 16
const ROW = 22

/** The plot of the table whose first column is "what went wrong". */
export function outcomesPlot(page) {
  const rows = rowsOf(page)
  const all = outcomesOf(page)
  const bars = [{ name: 'every run', ...all }, ...rows.sort((a, b) => b.whole / b.runs - a.whole / a.runs)]
  const height = 72 + bars.length * ROW + 30
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>What an app gets when things break: ${all.whole} of ${all.runs} runs whole, ${all.error} an error, ${all.bad} anything else</title>`,
    '<style>',
    'text { fill: #24292f } .whole { fill: #0969da } .error { fill: #8c959f } .bad { fill: #cf222e } .note { fill: #6e7781 }',
    '@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .whole { fill: #4493f8 } .error { fill: #6e7681 } .bad { fill: #f85149 } .note { fill: #8d96a0 } }',
    '</style>',
    '<text x="0" y="18" font-size="15" font-weight="600">What an app gets when things break</text>',
    ...legend(all),
    ...bars.flatMap(bar),
    `<text class="note" x="${LEFT}" y="${height - 10}" font-size="11">share of the runs with that fault, and how many; a run may have several faults</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function legend({ bad }) {
  const words = [
    ['whole', 'every byte and a clean end', 0],
    ['error', 'a true prefix and an error', 205],
    ['bad', `anything else: ${bad || 'none'}`, 405],
  ]
  return words.flatMap(([kind, text, x]) => [
    `<rect class="${kind}" x="${x}" y="34" width="12" height="12" rx="2"/>`,
    `<text x="${x + 18}" y="44.5">${text}</text>`,
  ])
}

function bar({ name, runs, whole, error, bad }, index) {
  const y = 62 + index * ROW
  const baseline = y + BAR * 0.78
  let x = LEFT
  const parts = [
    ['whole', whole],
    ['error', error],
    ['bad', bad],
  ].filter(([, count]) => count > 0)
  return [
    `<text x="${LEFT - 8}" y="${baseline}" text-anchor="end"${index === 0 ? ' font-weight="600"' : ''}>${name}</text>`,
    ...parts.map(([kind, count]) => {
      const width = (count / runs) * ROOM
      const rect = `<rect class="${kind}" x="${x.toFixed(1)}" y="${y}" width="${Math.max(width - 1, 1).toFixed(1)}" height="${BAR}" rx="2"/>`
      x += width
      return rect
    }),
    `<text x="${LEFT + ROOM + 6}" y="${baseline}">${[whole, error].join(' + ')}${bad ? ` + ${bad}` : ''}</text>`,
  ]
}

function rowsOf(page) {
  const [, body] = page.match(/^\| what went wrong [^\n]*\n\|[-| :]+\n((?:\|[^\n]*\n)+)/m)
  return body
    .trim()
    .split('\n')
    .map((line) => {
      const [name, ...counts] = cells(line)
      const [runs, whole, error, bad] = counts.map(Number)
      return { name, runs, whole, error, bad }
    })
}

function outcomesOf(page) {
  const [, body] = page.match(/^\| outcome [^\n]*\n\|[-| :]+\n((?:\|[^\n]*\n)+)/m)
  const of = { runs: 0, whole: 0, error: 0, bad: 0 }
  for (const line of body.trim().split('\n')) {
    const [name, , , all] = cells(line)
    of.runs += Number(all)
    if (name.startsWith('BAD')) of.bad += Number(all)
    else if (name.startsWith('recording complete')) of.whole += Number(all)
    else of.error += Number(all)
  }
  return of
}

const cells = (line) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
