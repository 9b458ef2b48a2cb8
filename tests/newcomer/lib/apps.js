// New apps, as their makers' tools write them, and where README's files go in them.

/** As README calls it. */
const PAGE = 'app/page.tsx in Next, src/App.tsx in Vite'

/** Everything `npm` is asked for is a program of the registry, in its newest version. */
export const APPS = {
  next: {
    create: (name) => [
      'npx',
      ...[
        '--yes',
        'create-next-app@latest',
        name,
        '--yes',
        '--ts',
        '--app',
        '--no-src-dir',
        '--no-tailwind',
        '--no-eslint',
      ],
      // Without the fonts of its template, which come from a server of Google's.
      ...['--empty', '--use-npm', '--disable-git', '--skip-install'],
    ],
    files: { 'chat.tsx': 'app/chat.tsx', [PAGE]: 'app/page.tsx', 'next.config.ts': 'next.config.ts' },
    /** The newcomer's own API route. The model is somewhere else, as with any provider. */
    own: (model) => ({
      'app/api/chat/route.ts': `export const POST = async (request: Request) =>
  fetch('${model}', { method: 'POST', body: await request.text(), signal: request.signal })
`,
    }),
    dev: ['next', 'dev', '--hostname', 'localhost', '--port', '0'],
    ready: /Local:\s+(http:\/\/\S+)/,
    uses: 'next',
  },
  vite: {
    create: (name) => [
      ...['npm', 'create', '--yes', 'vite@latest', '--', name],
      ...['--template', 'react-ts', '--no-interactive'],
    ],
    files: { 'chat.tsx': 'src/chat.tsx', [PAGE]: 'src/App.tsx', 'vite.config.ts': 'vite.config.ts' },
    /** The newcomer's own API, behind Vite's proxy. */
    own: (model, pasted) => ({
      'vite.config.ts': pasted['vite.config.ts'].replace(
        'defineConfig({',
        `defineConfig({ server: { proxy: { '/api': '${model}' } },`,
      ),
    }),
    dev: ['vite', '--host', 'localhost', '--port', '0'],
    ready: /Local:\s+(http:\/\/[^\s/]+)/,
    uses: 'vite',
  },
}
