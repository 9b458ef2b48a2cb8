// Every snippet type-checks against the package as it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from 'node:path'
import ts from 'typescript'
import { at, blocksIn, ROOT } from './lib/pages.js'
import { prelude } from './lib/prelude.js'

/** Pages whose snippets other tests execute: those of tests/users, and of tests/guides. */
const EXECUTED = ['docs/what-takes-a-fetch.md', 'docs/browsers.md', 'docs/testing.md', 'docs/frameworks.md']

const blocks = blocksIn('ts', 'tsx', 'js', 'jsx', 'diff').filter(
  // authjs.test.js executes the second.
  ({ file, code }) => !EXECUTED.includes(file) && !code.includes("from 'next-auth'"),
)

/** What is left of a diff after it was applied. */
const applied = (code) => code.replace(/^-.*\n/gm, '').replace(/^[+ ]/gm, '')

const from = (folder, ...names) =>
  Object.fromEntries(names.map((name) => [name, [join(ROOT, folder, 'node_modules', name)]]))

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  jsx: ts.JsxEmit.ReactJSX,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  paths: {
    durablefetch: [join(ROOT, 'pkg/index.d.ts')],
    'durablefetch/slim': [join(ROOT, 'pkg/slim.d.ts')],
    'durablefetch/js': [join(ROOT, 'pkg/js.d.ts')],
    'durablefetch-recorder/*': [
      join(ROOT, 'pkg-recorder-template/*.d.ts'),
      join(ROOT, 'pkg-recorder-template/*.d.cts'),
    ],
    ...from('examples/chat', 'ai', '@ai-sdk/react'),
    // Its types are named by `exports` alone, which `paths` does not read.
    vite: [join(ROOT, 'examples/chat/node_modules/vite/dist/node/index.d.ts')],
    '@vitejs/plugin-react': [join(ROOT, 'examples/chat/node_modules/@vitejs/plugin-react/dist/index.d.ts')],
    react: [join(ROOT, 'examples/chat/node_modules/@types/react')],
    'react/jsx-runtime': [join(ROOT, 'examples/chat/node_modules/@types/react/jsx-runtime.d.ts')],
    ...from('examples/openai', 'openai'),
    jose: [join(ROOT, 'tests/docs/node_modules/jose/dist/types/index.d.ts')],
  },
}

// The snippets exist in memory only, as if they stood in the root folder.
const sources = new Map(
  blocks.map((block, index) => {
    const code = block.language === 'diff' ? applied(block.code) : block.code
    const text = `${prelude(`${block.extra}\n${code}`)}\n${block.extra}\nexport {}\n${code}`
    // The one that others import. What they are together is built by tests/newcomer.
    const name = code.startsWith('// chat.tsx\n') ? 'chat.tsx' : `snippet-${index}.tsx`
    return [join(ROOT, name), { block, text }]
  }),
)
const AMBIENT = join(ROOT, 'snippet-ambient.d.ts')
sources.set(AMBIENT, {
  // What bundlers make of the address of a file.
  text: `declare module '*?url' {
  const url: string
  export default url
}
// Packages of React Native: their types need a React Native.
declare module 'react-native-get-random-values'
declare module 'react-native-url-polyfill/auto'
declare module 'web-streams-polyfill/polyfill'
declare module 'fast-text-encoding'
declare module 'expo/fetch' {
  export function fetch(input: string, init?: object): Promise<object>
}
declare module 'react-native' {
  type Component<PROPS> = (props: PROPS) => import('react').ReactNode
  export const Button: Component<{ title: string; onPress: () => unknown }>
  export const Text: Component<{ children?: import('react').ReactNode }>
  export const View: Component<{ children?: import('react').ReactNode }>
}
`,
})
const host = ts.createCompilerHost(options)
const { getSourceFile, fileExists } = host
host.fileExists = (file) => sources.has(file) || fileExists(file)
host.getSourceFile = (file, ...rest) =>
  sources.has(file)
    ? ts.createSourceFile(file, sources.get(file).text, options.target, true)
    : getSourceFile.call(host, file, ...rest)

test('README and docs: every snippet type-checks against the package', () => {
  assert.ok(blocks.length > 10, 'the snippets are found')
  const program = ts.createProgram([...sources.keys()], options, host)
  const complaints = [...sources]
    .filter(([file]) => file !== AMBIENT)
    .flatMap(([file, { block, text }]) => {
      const source = program.getSourceFile(file)
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      return found.map(({ start, messageText }) => {
        const line = text.slice(0, start).split('\n').at(-1) + text.slice(start).split('\n')[0]
        return `${at(block)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}\n    ${line.trim()}`
      })
    })
  assert.deepEqual(complaints, [])
})

test('a snippet that does not fit the package would be noticed', () => {
  const file = join(ROOT, 'snippet-wrong.tsx')
  sources.set(file, {
    text: "import { DurableFetchClient } from 'durablefetch'\nnew DurableFetchClient({ hots: '/df' })\n",
  })
  const program = ts.createProgram([file], options, host)
  assert.equal(program.getSemanticDiagnostics(program.getSourceFile(file)).length, 1)
})
