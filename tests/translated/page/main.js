// Runs all hermetic tests, as the page of their own runner does, with the translated module in the place of WebAssembly.
const METHODS = ['debug', 'log', 'info', 'warn', 'error']
const output = document.getElementById('output')

/** Module and glue call each other by long names, of which the build has made short ones. */
const maker = (instantiate, names) => (imports) => {
  const given = Object.fromEntries(names.imports.map(([from, name, short]) => [short, imports[from][name]]))
  const made = instantiate({ a: given })
  return Object.fromEntries(names.exports.map(([name, short]) => [name, made[short]]))
}

async function run() {
  const glue = await import('./durablefetch.js')
  const { instantiate } = await import('./module.js')
  const { default: names } = await import('./names.js')
  // What a test writes to the console is its own output; it is shown if the test fails.
  for (const method of METHODS) {
    const write = console[method]
    const keep = glue[`__wbgtest_console_${method}`]
    console[method] = (...args) => {
      keep(args)
      write.apply(console, args)
    }
  }
  // How a test is entered.
  window.__wbg_test_invoke = (enter) => enter()
  const exports = glue.initSync(maker(instantiate, names))
  const context = new glue.WasmBindgenTestContext(false)
  context.include_ignored(true)
  const tests = Object.keys(exports).filter((name) => name.startsWith('__wbgt_'))
  await context.run(tests.map((name) => exports[name]))
}

// WebKit compiles a module, and refuses the instance.
try {
  const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
  output.dataset.refused = `no: ${new WebAssembly.Instance(empty)}`
} catch (error) {
  output.dataset.refused = error
}
try {
  await run()
} catch (error) {
  output.textContent += `\nbroken: ${error.stack ?? error}`
}
output.dataset.done = ''
