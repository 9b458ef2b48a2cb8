/** What `cargo xtask test` names for these tests. */
export function named(variable) {
  const value = process.env[variable]
  if (!value) throw new Error(`${variable} is not set: run \`cargo xtask test --only versions\``)
  return value
}
