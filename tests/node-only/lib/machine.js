// A machine of its own, as far as its files go: a Debian without anything, and Node.
import { copyFile, cp, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, serve } from '../../runtimes/lib/process.js'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const ROOT = here('../../../target/node-only/root')
const MODULES = here('../machine/node_modules')
const SUITE = 'bookworm'
const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
/** What tells programs how to reach the network from here: what they need inside as well. */
const NETWORK = /^(https?_proxy|no_proxy|all_proxy|npm_config_(proxy|https_proxy|noproxy))$/i

/**
 * Makes it, unless it is there. `run` and `serve` are those of runtimes/lib/process.js, in there. `home`: a new folder, given as it
 * is seen from outside and from inside.
 */
export async function nodeOnlyMachine(t) {
  if (!(await exists(ROOT))) await debootstrap()
  await installNode()
  const env = await network()
  const outside = join(ROOT, 'home/newcomer')
  await rm(outside, { recursive: true, force: true })
  await mkdir(outside)
  const enter = (program, args, cwd) => [
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'sh', ROOT, cwd, program, ...args],
  ]
  return {
    home: { outside, inside: '/home/newcomer' },
    run: (program, args, { cwd, timeout }) => run(...enter(program, args, cwd), { env, timeout }),
    serve: (program, args, { cwd, ready }) => serve(t, ...enter(program, args, cwd), { env, ready }),
  }
}

/** What programs in there need of the system; what is mounted is seen in there alone, and goes with them. */
const ENTER = `
root=$1 cwd=$2; shift 2
mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" || exit
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$cwd" "$@"
`

/** Under another name until it is whole. What is included is what Node's makers build against, and certificates. */
async function debootstrap() {
  const partly = `${ROOT}.partly`
  await rm(partly, { recursive: true, force: true })
  await mkdir(dirname(ROOT), { recursive: true })
  const args = ['--variant=minbase', '--include=ca-certificates,libatomic1', SUITE, partly, MIRROR]
  await run(process.env.DEBOOTSTRAP ?? '/usr/sbin/debootstrap', args, { timeout: 1_200_000 })
  await rename(partly, ROOT)
}

/** The build that Node's makers give away, from npm's package of it. */
async function installNode() {
  const local = join(ROOT, 'usr/local')
  await copyFile(join(MODULES, 'node/bin/node'), join(local, 'bin/node'))
  await rm(join(local, 'lib/node_modules'), { recursive: true, force: true })
  await cp(join(MODULES, 'npm'), join(local, 'lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx']) {
    await rm(join(local, 'bin', name), { force: true })
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  }
}

/** The environment inside: nothing of that outside but how the registry is reached. */
async function network() {
  for (const file of ['/etc/resolv.conf', '/etc/hosts']) await copyFile(file, join(ROOT, file))
  const kept = Object.entries(process.env).filter(([name]) => NETWORK.test(name))
  const env = { ...Object.fromEntries(kept), npm_config_registry: await npmConfig('registry') }
  // Those that are trusted here are trusted in there, too.
  for (const [variable, authorities] of [
    ['NODE_EXTRA_CA_CERTS', process.env.NODE_EXTRA_CA_CERTS],
    ['npm_config_cafile', await npmConfig('cafile')],
  ]) {
    if (!authorities || authorities === 'null') continue
    env[variable] = `/etc/${variable}.pem`
    await copyFile(authorities, join(ROOT, env[variable]))
  }
  const others = Object.keys(process.env).map((name) => [name, undefined])
  return { ...Object.fromEntries(others), ...env, PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/root' }
}

const npmConfig = async (key) => (await run('npm', ['config', 'get', key], {})).stdout.trim()

/** Writes files into a folder. */
export async function write(dir, files) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
}

const exists = (path) =>
  stat(path).then(
    () => true,
    () => false,
  )
