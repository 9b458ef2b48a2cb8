// Chats that ask, read, and ask again until they are told to stop. The same in Node and in a page.

/** Until `goOn()` says no: what came of each question. `address(chat)`: where it asks. */
export async function chat(df, address, name, goOn) {
  const told = { answers: 0, wrong: [] }
  for (let question = 0; goOn(); question += 1) {
    const asked = `${name}-${question}`
    try {
      const response = await df.fetch(address, { method: 'POST', body: asked })
      const text = await response.text()
      if (response.status !== 200 || text !== expected(asked))
        told.wrong.push([asked, response.status, text.slice(-40)])
    } catch (error) {
      told.wrong.push([asked, String(error)])
    }
    told.answers += 1
  }
  return told
}

const WORDS = 25

/** What the model says to it. */
export const words = (asked) => Array.from({ length: WORDS }, (_, index) => `${index} of ${asked}. `)
export const expected = (asked) => words(asked).join('')
