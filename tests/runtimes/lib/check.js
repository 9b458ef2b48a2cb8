// What a report of behaviour.mjs must say.
import assert from 'node:assert/strict'
import { BODY, DIGEST } from './upstream.js'

/** `atImport`: how many WebAssembly instances there may be before the client's first use; `instances`: in the end. */
export function checkReport(report, world, { atImport = 0, instances = 1 } = {}) {
  const about = `in ${JSON.stringify(report)}`
  assert.equal(report.error, undefined, about)
  assert.equal(report.ours, true, `the package under test is ours ${about}`)
  const path = `/stream?id=${world.id}`
  assert.deepEqual(
    report.response,
    { isResponse: true, url: world.upstream + path, status: 200, header: 'runtimes' },
    about,
  )

  const whole = { length: BODY.length, digest: DIGEST }
  assert.equal(report.during.inProgress, true, `in progress while the upstream waits ${about}`)
  assert.equal(report.during.completed, false, about)
  assert.deepEqual(report.body, whole, `every byte arrived ${about}`)
  assert.equal(report.after.inProgress, false, about)
  assert.equal(report.after.completed, true, about)
  assert.deepEqual(report.again, whole, `the recording has every byte ${about}`)
  assert.equal(world.asked(path), 1, 'the upstream was asked once')

  assert.deepEqual(report.deleted, { success: true, message: 'Response deleted successfully' }, about)
  assert.equal(report.gone.inProgress, false, about)
  assert.equal(report.gone.completed, false, about)

  for (const kind of ['cut', 'lost']) checkError(report[kind], `${kind} ${about}`)
  assert.match(report.lost.message, /^network error/, about)
  assert.deepEqual(report.otherErrors, [false, false, false], about)

  assert.equal(report.instancesAtImport, atImport, `importing instantiates nothing ${about}`)
  assert.equal(report.instances, instances, `WebAssembly instances ${about}`)
}

/** What a report of durablefetch/js must say: the same, without WebAssembly. */
export const checkJs = (report, world) => checkReport(report, world, { instances: 0 })

/** What a report of `behaveMixed` must say. */
export function checkMixed(report, world) {
  assert.equal(report.error, undefined, JSON.stringify(report))
  checkReport(report.first, world)
  checkReport(report.second, { ...world, id: `${world.id}-slim` }, { atImport: 1 })
  assert.equal(report.oneErrorClass, true)
  assert.equal(report.instances, 1)
}

/** Whether a rejection is a DurableFetchError in every way that there is to ask. */
export function checkError(error, about) {
  const { code, message, ...facts } = error
  const expected = {
    name: 'DurableFetchError',
    isError: true,
    isTypeError: true,
    isDurableFetchError: true,
    guard: true,
  }
  assert.deepEqual(facts, expected, about)
  assert.equal(typeof code, 'string', about)
  assert.notEqual(message, '', about)
}
