// The recorder under test, started as an app's own tests start theirs.
import { fileURLToPath } from 'node:url'
import { startRecorder as start } from '../../pkg-recorder-template/testing.cjs'

/** The program that is under test. */
export const BINARY =
  process.env.RECORDER_BIN ?? fileURLToPath(new URL('../../target/debug/durablefetch', import.meta.url))

/** `flags`: of `durablefetch serve`. */
export function startRecorder(options) {
  process.env.DURABLEFETCH_BINARY = BINARY
  return start(options)
}
