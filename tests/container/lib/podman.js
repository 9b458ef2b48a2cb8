// podman with a store of its own in a temporary folder: nobody's images and containers are touched.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { within } from '../../lib/deadline.js'

const exec = promisify(execFile)
const PODMAN = process.env.PODMAN ?? 'podman'

/** As a careful operator runs it. What is below is the image's own. */
const HARDENED = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=all',
  '--security-opt=no-new-privileges',
  // Some machines that run tests let nobody make groups or raise limits, which podman does by default.
  '--cgroups=disabled',
  '--ulimit=nofile=1024:1024',
  '--ulimit=nproc=1000:1000',
]

/** crun refuses a system with both versions of cgroups: there, podman gets a view with the second one alone. */
const VIEW = existsSync('/sys/fs/cgroup/unified')
  ? [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'umount --recursive /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"',
      'sh',
    ]
  : []

/** Loads the image of this archive. */
export async function openPodman(archive) {
  const dir = await mkdtemp(join(tmpdir(), 'durablefetch-podman-'))
  const store = ['--storage-driver', 'vfs', '--root', join(dir, 'store'), '--runroot', join(dir, 'run')]
  const words = (args) => [
    ...VIEW,
    PODMAN,
    ...store,
    '--cgroup-manager',
    'cgroupfs',
    '--events-backend',
    'none',
    ...args,
  ]

  async function podman(...args) {
    const [program, ...rest] = words(args)
    const { stdout } = await exec(program, rest)
    return stdout.trim()
  }

  /** A container in the foreground: `podman run` or `podman start --attach`. */
  function attached(name, args) {
    const [program, ...rest] = words(args)
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    const lines = []
    const output = () => lines.join('\n')
    const ended = once(child, 'close').then(([code]) => code)
    const listening = new Promise((resolve, reject) => {
      ended.then((code) => reject(new Error(`the container ended (${code}):\n${output()}`)))
      createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line)
        if (line.includes('listening on')) resolve()
      })
    })
    listening.catch(() => {})
    return {
      name,
      output,
      /** Resolves once the recorder says where it listens. */
      listening: () => within(60_000, `${name} listens`, listening),
      /** Resolves with its exit code. */
      ended: () => within(60_000, `${name} ends`, ended),
    }
  }

  const loaded = /Loaded image: (\S+)/.exec(await podman('load', '--input', archive))
  return {
    image: loaded[1],
    podman,
    /** `env`: all its configuration. `args`: more flags of `podman run`; `command`: words after the image. */
    run(name, { env = {}, args = ['--network=host'], command = [] } = {}) {
      const variables = Object.entries(env).map(([key, value]) => `--env=${key}=${value}`)
      return attached(name, ['run', '--name', name, ...HARDENED, ...variables, ...args, loaded[1], ...command])
    },
    /** Starts one again that has ended. */
    start: (name) => attached(name, ['start', '--attach', name]),
    /** Runs the recorder's program in a container: its exit code and what it prints. */
    async inside(name, ...command) {
      const [program, ...rest] = words(['exec', name, 'durablefetch', ...command])
      const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
      let text = ''
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part))
      const [code] = await once(child, 'close')
      return { code, text }
    },
    async close() {
      await podman('rm', '--all', '--force', '--time', '0', '--volumes')
      await podman('rmi', '--all', '--force')
      await podman('volume', 'rm', '--all', '--force')
      await rm(dir, { recursive: true, force: true })
    },
  }
}
