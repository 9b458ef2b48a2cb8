// docs/api.md from the types that the package ships: what they say is said once.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './pages.js'

const FILES = [
  { file: 'pkg-template/index.d.ts', title: "`import … from 'durablefetch'`" },
  { file: 'pkg-template/slim.d.ts', title: "`import … from 'durablefetch/slim'`" },
  { file: 'pkg-template/js.d.ts', title: "`import … from 'durablefetch/js'`" },
]

/** The page, and the names of what has no comment. */
export function apiPage() {
  const undocumented = []
  const sections = FILES.map((one) => section(one, undocumented))
  const intro = `# API

<!-- Written from pkg-template/*.d.ts: npm run write --prefix tests/docs -->

The names that the npm package exports. [ai-sdk.md](ai-sdk.md) and [what-takes-a-fetch.md](what-takes-a-fetch.md) show them in use,
[errors.md](errors.md) has the meaning of each error code.
`
  return { text: [intro, ...sections].join('\n'), undocumented }
}

function section({ file, title }, undocumented) {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const exported = source.statements.filter(
    (node) => node.name && (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) !== 0,
  )
  // What one makes comes first, then what it takes.
  const rank = (node) => (ts.isClassDeclaration(node) ? 0 : ts.isFunctionDeclaration(node) ? 1 : 2)
  const sorted = [...exported].sort((a, b) => rank(a) - rank(b))
  // An entry that only hands on what another one has says so in the comment there.
  const handedOn = source.statements.filter(ts.isExportDeclaration).map((node) => commentOf(node, source))
  const about = handedOn.flatMap(({ comment, example }) =>
    [comment, example].filter(Boolean).map((text) => `${text}\n`),
  )
  return [`## ${title}\n`, ...about, ...sorted.map((node) => declaration(node, source, undocumented))].join('\n')
}

function declaration(node, source, undocumented) {
  const name = node.name.text
  const { comment, example } = commentOf(node, source)
  if (!comment) undocumented.push(name)
  const parts = [`### \`${name}\`\n`, comment && `${comment}\n`, example && `${example}\n`]
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node))
    parts.push(...members(node, name, source, undocumented))
  else parts.push(fenced(code(node, source)))
  return parts.filter(Boolean).join('\n')
}

/** A table for plain fields; a heading with the signature for what is called or has an example. */
function members(node, owner, source, undocumented) {
  const rows = []
  const longer = []
  for (const member of node.members) {
    const name = ts.isConstructorDeclaration(member) ? 'constructor' : member.name.getText(source)
    const { comment, example, defaultValue } = commentOf(member, source)
    if (!comment) undocumented.push(`${owner}.${name}`)
    if (ts.isClassDeclaration(node) && !isField(member)) {
      longer.push(
        `#### \`${name === 'constructor' ? `new ${owner}` : `${owner.replace(/^DurableFetchClient$/, 'df')}.${name}`}\`\n`,
      )
      longer.push(fenced(code(member, source)))
      if (comment) longer.push(`${comment}\n`)
      if (example) longer.push(`${example}\n`)
    } else {
      const type = member.type ? member.type.getText(source).replaceAll(/\s+/g, ' ').replaceAll('|', '\\|') : ''
      const meaning = comment.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
      rows.push(
        `| \`${name}${member.questionToken ? '?' : ''}\` | \`${type}\` | ${meaning}${defaultValue ? ` Default: ${asCode(defaultValue)}.` : ''} |`,
      )
    }
  }
  const table = rows.length > 0 ? [`| field | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`] : []
  return [...longer, ...table]
}

const isField = (member) => ts.isPropertyDeclaration(member) && member.type && !ts.isFunctionTypeNode(member.type)

const asCode = (text) => (text.includes('`') ? text : `\`${text}\``)

const fenced = (text) => `\`\`\`text\n${text}\n\`\`\`\n`

/** Its text without comments and without `export`. */
function code(node, source) {
  const text = node.getText(source)
  const lines = text
    .replace(/^export (declare )?/, '')
    .replace(/^readonly /, '')
    .split('\n')
  const indent = Math.min(
    ...lines
      .slice(1)
      .filter((line) => line.trim())
      .map((line) => /^ */.exec(line)[0].length),
    99,
  )
  return lines.map((line, index) => (index === 0 ? line : line.slice(indent === 2 ? 2 : 0))).join('\n')
}

function commentOf(node, source) {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
  if (!doc) return { comment: '', example: '', defaultValue: '' }
  const tag = (name) => {
    const found = (doc.tags ?? []).find(({ tagName }) => tagName.text === name)
    return found ? prose(found.comment, source) : ''
  }
  const thrown = (doc.tags ?? [])
    .filter(({ tagName }) => tagName.text === 'throws')
    .map((one) => {
      const type = one.typeExpression?.getText(source) ?? ''
      return `Throws ${[type, prose(one.comment, source)].filter(Boolean).join(' ')}`
    })
  return {
    comment: [prose(doc.comment, source), ...thrown].filter(Boolean).join(' '),
    example: tag('example'),
    defaultValue: tag('defaultValue'),
  }
}

/** Comments come as text, or as text with links in it. */
function prose(comment, source) {
  if (!comment) return ''
  const parts =
    typeof comment === 'string'
      ? [comment]
      : comment.map((part) => (part.kind === ts.SyntaxKind.JSDocText ? part.text : link(part, source)))
  return parts.join('').trim()
}

const link = (part, source) => `\`${part.name?.getText(source) ?? part.text}\``
