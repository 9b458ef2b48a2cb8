// From a way to run a project to a checked report.
import assert from 'node:assert/strict'
import { checkReport } from './check.js'
import { inEngines, readPage } from './page.js'
import { run } from './process.js'
import { startWorld } from './world.js'

/**
 * Opens the page in each engine, with a world of its own, and checks its report; the page may have no other errors.
 * Resolves with the versions of all of them.
 */
export function checkPage(t, address, { check = checkReport } = {}) {
  return inEngines(async (engine) => {
    const world = await startWorld(t)
    const { report, errors, browser } = await readPage(t, engine, address, world)
    check(report, world)
    assert.deepEqual(errors, [], 'no errors in the console')
    return browser
  })
}

/**
 * Runs the program, which must end by itself, and checks the report, the last line of JSON that it prints. Resolves with all
 * of its output.
 */
export async function checkProcess(t, program, args, { cwd, env = {}, check = checkReport }) {
  const world = await startWorld(t)
  const { stdout, stderr } = await run(program, args, { cwd, env: { ...world.env, ...env }, timeout: 60_000 })
  check(parse(stdout, stderr), world)
  return stdout + stderr
}

/** Asks an HTTP server for its report and checks it. */
export async function checkServer(t, address, { check = checkReport } = {}) {
  const world = await startWorld(t)
  const response = await fetch(`${address}?${world.query}`)
  const text = await response.text()
  assert.equal(response.status, 200, text)
  check(parse(text, ''), world)
}

function parse(output, stderr) {
  const line = output.split('\n').findLast((one) => /^ *\{.*\}\r?$/.test(one))
  try {
    return JSON.parse(line)
  } catch {
    throw new Error(`no report in the output:\n${output}\n${stderr}`)
  }
}
