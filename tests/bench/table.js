// What was measured, as Markdown.

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
export const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]

/** `rows`: `{ what, native, ours, rival?, compared, target, ok? }`, all text but `ok`. */
export function tableOf(rows, { chromium, machine, date, rounds, load }) {
  const lines = rows.map(
    ({ what, native, ours, rival = '', compared, target, ok }) =>
      `| ${what} | ${native} | ${ours} | ${compared} | ${target}${ok === undefined ? '' : ok ? ': met' : ': **missed**'} | ${rival} |`,
  )
  return `# The client beside native fetch

<!-- Written by \`cargo xtask bench client\` -->

Chromium ${chromium}, headless, on ${machine}, ${date}. Each comparison ran in one page, native \`fetch\` and \`df.fetch\` in turns (which
came first changed with each round), both reading the same recordings straight from the same release build of the recorder on loopback,
which is the page's own origin. Of another origin each request of \`df.fetch\` is preceded by a preflight.
Medians of ${rounds} rounds, of bulk three times as many; ratios are medians of the ratios within a round. Load average when it began ${load[0]}, when it
ended ${load[1]}: above 2 or so on 2 cores, others had a share of the machine, and only what is compared means anything.

| what | native fetch | df.fetch | compared | target | \`@durable-streams/client\` |
|---|---|---|---|---|---|
${lines.join('\n')}

- *Import*, in a new page 300 ms after it has loaded: the script comes from a server on loopback, uncached; the package is
  built by Vite for production, WebAssembly as text in it. Loading is the network's and the parser's, whatever is in the script; importing runs nothing of the module.
  The first call decodes, compiles and starts it; measured is until the client calls \`fetch\`.
- *A page opened* is a new one of a new person, whose server on loopback passes what is below \`/df\` on to the recorder; its script is
  an app's, built by Vite for production, and asks at once. It counts from the navigation's start, by the page's own clock, which
  Firefox and WebKit round to a millisecond. Native \`fetch\` asks for the same at the same mount.
- *Live* bodies come from the upstream while they are read: each run is a new recording. Beside them native \`fetch\` asks the upstream
  itself, with neither a recorder nor a disk in between; upstream, recorder and browser share the machine's processors.
- *Latency* is from the write in the upstream to the chunk in the app, through the recorder, by clocks of one machine. What
  the client adds is the difference within a round; of seven rounds and fewer, five have it.
- *The end*: a recorder cannot say in the head of a live answer how long it will be, so at its end the client asks once whether it is
  whole. A round trip is native \`fetch\` asking the same. Beside it is the end of the same answer for native \`fetch\` through the recorder.
  Chromium shows a request as canceled whose body was read by a reader until the end and not by \`text()\` or the like, natively, too.
- *Heap* is JavaScript's with the buffers that it holds, garbage collected before each of eight looks: the least and the most that it
  was. By how much it grew is from the least of the first four to the least of the last four. What \`df.fetch\` has more of at
  some looks is the chunk that it reads ahead of the app.
- *A cut* resets the TCP connection in a proxy between the page and the recorder. It counts from the client's event
  \`waiting\` to the next chunk in the app. Beside it: the same continuation asked for by hand with native \`fetch\`, through
  the same proxy, on a new connection; its recording is stored by then, the client's is still live.
- \`@durable-streams/client\` 0.2.7 reads the same bytes in the same page and the same turns, in its own protocol from its own server
  (\`@durable-streams/server\` 0.3.7, streams in files, a process on Node), which stored them from the same upstream: for bulk before,
  for latency while it is read.
`
}
