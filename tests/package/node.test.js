import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRecorder } from '../lib/recorder.js'
import { freshProject, node } from './lib/project.js'
import { startUpstream, TEXT } from './lib/upstream.js'

for (const entry of ['durablefetch', 'durablefetch/js']) {
  test(`Node ${process.version}: the installed package records and replays, ${entry}`, (t) => check(t, entry))
}

async function check(t, entry) {
  const { dir } = await freshProject(t, 'node')
  const recorder = await startRecorder()
  t.after(() => recorder.stop())
  const upstream = await startUpstream(t)
  const { stdout } = await node(dir, ['main.js'], { ENTRY: entry, RECORDER: recorder.url, UPSTREAM: upstream.url })
  const report = JSON.parse(stdout)
  assert.equal(report.isResponse, true)
  assert.equal(report.url, upstream.url)
  assert.equal(report.status, 200)
  assert.equal(report.type, 'text/plain; charset=utf-8')
  assert.equal(report.first, TEXT)
  assert.equal(report.again, TEXT)
  assert.equal(report.progress.inProgress, false)
  assert.equal(report.progress.completed, true)
  assert.deepEqual(report.deleted, { success: true, message: 'Response deleted successfully' })
  assert.equal(upstream.asked(), 1, 'the upstream was asked once')
}
