// The code blocks of a page, by the name in their first line.
import { readFileSync } from 'node:fs'

/** `page`: from the root of the repository. Its blocks: `{ language, code }`, and what finds one of them. */
export function blocksOf(page) {
  return read(page, readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8'))
}

function read(page, text) {
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }))

  function only(what, found) {
    if (found.length !== 1) throw new Error(`${page} shows ${what} ${found.length} times`)
    return found[0].code
  }
  return {
    text,
    /** The same for the part of the page below this heading. */
    section(title) {
      const part = text.split(/^## /m).find((one) => one.startsWith(`${title}\n`))
      if (!part) throw new Error(`${page} has no section ${title}`)
      return read(`${page}, ${title},`, part)
    },
    /** The block whose first line is a comment with this name of a file. */
    file(name) {
      const comments = [`// ${name}\n`, `<!-- ${name} -->\n`]
      return only(
        name,
        blocks.filter(({ code }) => comments.some((comment) => code.startsWith(comment))),
      )
    },
    /** The one block in this language. */
    in: (language) =>
      only(
        `a block of ${language}`,
        blocks.filter((block) => block.language === language),
      ),
    /** The words of the first command that begins like this, without its comment. */
    command(beginning) {
      const lines = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.split('\n'))
      const found = lines.find((line) => line.startsWith(beginning))
      if (!found) throw new Error(`${page} has no command ${beginning}`)
      return found.replace(/\s+#.*$/, '').split(/\s+/)
    },
  }
}
