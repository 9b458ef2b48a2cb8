// What was executed, for the output of the tests.
import { readFileSync } from 'node:fs'

/** `openai 7.57.0`; names of this folder's dependencies. An alias is told by the name that npm knows. */
export function versionsOf(packages) {
  return packages.map(versionOf).join(', ')
}

function versionOf(name) {
  const manifest = JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
  return `${manifest.name} ${manifest.version}`
}
