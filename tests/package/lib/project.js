// Projects of `fixtures/` with the packed package in them, and the programs that look at them.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshProject as made, node } from '../../lib/project.js'

export { node }

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))
const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url))

/** The programs of this folder's node_modules, run by Node without a shell. */
export const bin = { vite: join(MODULES, 'vite/bin/vite.js'), tsc: join(MODULES, 'typescript/bin/tsc') }

/** The fixture of this name as a fresh project. Removed after the test. */
export const freshProject = (t, fixture) => made(t, join(FIXTURES, fixture))
