// Frameworks, most of which render on the server: the page as it is built and served, reloaded in the middle of an answer.
import { executes } from './lib/executes.js'
import { FRAMEWORKS, launch, versions } from './lib/frameworks.js'
import { run } from './lib/process.js'
import { project } from './lib/project.js'
import { checkReload } from './lib/reload.js'

for (const { title, name, like, build, start, dev, ...about } of FRAMEWORKS) {
  executes(`${title}, build and start: reloaded in the middle`, async (t) => {
    const made = await project(name, { like })
    await run(build[0], build.slice(1), { cwd: made.dir, env: made.env })
    return check(t, made, start, about)
  })

  executes(`${title}, dev server: reloaded in the middle`, async (t) => {
    const made = await project(name, { like })
    return check(t, made, dev, about)
  })
}

/** Starts the server and checks its page. */
async function check(t, made, command, { packages, page = '', server }) {
  const { address } = await launch(t, made, command)
  return versions(made, packages, await checkReload(t, address + page, { server }))
}
