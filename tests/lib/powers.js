// What an engine, or its driver, cannot do in these tests. Each is a line of docs/support.md.

/**
 * `[engine, name, what it cannot do, what follows for the tests, where that is written]`. `name`: what a test needs and does
 * not get there; a row without one is about how tests look, and keeps none from running.
 */
export const POWERS = [
  [
    'WebKit',
    undefined,
    'its driver does not tell what a page writes on its console',
    'errors are seen from the end of loading on, by a script in the page; what the engine itself says of a request is not',
    'https://w3c.github.io/webdriver-bidi/#module-log',
  ],
  [
    'WebKit',
    'extensions',
    'its driver installs no extension, and its MiniBrowser has none',
    'the rows of the extension are executed in Chromium and Firefox',
    'https://w3c.github.io/webdriver-bidi/#module-webExtension',
  ],
  [
    'WebKit',
    'offline',
    'its driver does not take a page offline',
    'a proxy lets nothing through meanwhile, and the page is told `offline` and `online`',
    'https://w3c.github.io/webdriver-bidi/#command-emulation-setNetworkConditions',
  ],
  [
    'WebKit',
    'loopback',
    'it lets no page of https ask http of this machine (mixed content)',
    'the error that says so is tested there instead',
    'https://bugs.webkit.org/show_bug.cgi?id=171934',
  ],
  [
    'Firefox',
    'keeping requests',
    'it keeps no page for Back that has a request open',
    'such a page is loaded anew; one that waits to reconnect is kept, as in the others',
    'https://html.spec.whatwg.org/multipage/nav-history-apis.html#the-notrestoredreasons-interface',
  ],
  ...['Firefox', 'WebKit'].flatMap((engine) => [
    [
      engine,
      'freezing',
      'it does not freeze pages that nobody looks at',
      'the tests of `freeze` and `resume` are not run',
      'https://wicg.github.io/page-lifecycle/',
    ],
    [
      engine,
      'waiting',
      'it takes all of a body from the network, whether or not the page reads it; native `fetch` is the same',
      'that the network waits for who reads is not tested there; that the client holds nothing is',
      'https://fetch.spec.whatwg.org/#fetch-suspend',
    ],
    [
      engine,
      'heap',
      'its driver neither collects garbage nor says how large the heap is',
      'what the WebAssembly instance holds is measured after a collection that garbage has brought on; the heap of JavaScript is not',
      'https://chromedevtools.github.io/devtools-protocol/tot/HeapProfiler/',
    ],
  ]),
]

/** Whether this engine has this power, which is one of the table. */
export function has(engine, power) {
  const rows = POWERS.filter(([, name]) => name === power)
  if (rows.length === 0) throw new Error(`tests/lib/powers.js has no power "${power}": every engine has it`)
  return !rows.some(([name]) => name.toLowerCase() === engine)
}
