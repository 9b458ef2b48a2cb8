// Where the examples are.
import { fileURLToPath } from 'node:url'

/** The folder of an example. */
export const example = (name) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url))
