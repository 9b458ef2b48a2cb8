// A page that has half an answer.

export const HALF = 'the first half, '
export const REST = 'and the rest'
export const QUESTION = { method: 'POST', body: 'Why?' }

/**
 * The page asks, and has read what the upstream has sent so far. `names`: the readers that it has of it. Returns the address, and the
 * upstream's side of it.
 */
export async function readHalf(page, upstream, { names = ['one'], question = QUESTION } = {}) {
  const address = upstream.address()
  const [first, ...others] = names
  await page.begin(first, address, question)
  const asked = await upstream.asked(address)
  asked.head()
  asked.write(HALF)
  await page.until(first, HALF.length)
  for (const name of others) {
    await page.begin(name, address, question)
    await page.until(name, HALF.length)
  }
  return { address, asked }
}
