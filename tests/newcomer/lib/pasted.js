// README's lines, as a newcomer has them in an app.
import { command, file } from './readme.js'

/** This machine's, as the names of tarballs have it. */
const PLATFORM = `${process.platform}-${process.arch}`

/** The lines that install both packages from where a release is served, each as words. */
export const installations = (release) =>
  ['npm install <release>/', 'npm install --save-dev <release>/'].map((line) =>
    command(line).map((word) => word.replace('<release>', release).replace('linux-x64', PLATFORM)),
  )

/** The files of one of APPS, by where they belong. `model`: the address of the app's own. */
export function filesOf({ files, own }, model) {
  const pasted = Object.fromEntries(Object.entries(files).map(([name, to]) => [to, file(name)]))
  return { ...pasted, ...own(model, pasted) }
}
