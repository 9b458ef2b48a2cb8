// What a recorder that logs in JSON has said.

/** Its lines so far. What is not one, such as where it listens, is left out. */
export const logLines = (recorder) =>
  recorder
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
