// Where things are.
import { fileURLToPath } from 'node:url'

/** A path relative to this file. */
export const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** The projects as they are in the repository. */
export const PROJECTS = path('..')

/** Copies of them with everything installed; kept between runs. Each can be used by hand, too. */
export const WORK = process.env.RUNTIMES_WORK ?? path('../../../target/runtimes')
