// What an engine, or its driver, cannot do in these tests. Each is a line of docs/support.md.

/** `[engine, what it cannot do, what follows for the tests, where that is written]` */
export const POWERS = [
  [
    'WebKit',
    'its driver does not tell what a page writes on its console',
    'errors are seen from the end of loading on, by a script in the page; what the engine itself says of a request is not',
    'https://w3c.github.io/webdriver-bidi/#module-log',
  ],
]
