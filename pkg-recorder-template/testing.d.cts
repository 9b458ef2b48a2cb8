/** A recorder of one test. */
export interface TestRecorder {
  /** Where it listens, as `http://localhost:43123`: the client's `durablefetchHost`. */
  url: string
  port: number
  /** What it has logged so far, for a failing test to show. */
  output(): string
  /** Ends it, and what is live with it, and removes its store. Resolves when it is gone. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a recorder on a free port with a store of its own, which goes with it. It ends with the process that started it,
 * also where that is killed.
 *
 * Rejects with a `SetupError` where it cannot start: its message says why, and what to do.
 */
export declare function startRecorder(options?: {
  /** Flags of `durablefetch serve`, each word one entry. */
  flags?: string[]
}): Promise<TestRecorder>
