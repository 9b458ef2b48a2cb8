// What README's chat shows.
import assert from 'node:assert/strict'

/** `[role, text]` for each message. */
export const shown = (page) =>
  page.locator('main > p').evaluateAll((all) => all.map((p) => [p.className, p.textContent]))

export async function untilShown(page, expected) {
  const same = (wanted) =>
    JSON.stringify([...document.querySelectorAll('main > p')].map((p) => [p.className, p.textContent])) === wanted
  try {
    await page.waitForFunction(same, JSON.stringify(expected), { timeout: 60_000, polling: 'raf' })
  } catch (error) {
    assert.deepEqual(await shown(page), expected, error.message)
    throw error
  }
}

export async function ask(page, question) {
  await page.getByPlaceholder('Say something…').fill(question)
  await page.getByRole('button', { name: 'Send' }).click()
}

/** Asks, reloads in the middle of the answer, and has the question and all of the answer, once. */
export async function reloadInMiddle(page, { gate }, answer) {
  gate.holdAt(40)
  await ask(page, 'Why')
  const question = ['user', 'Why']
  await untilShown(page, [question, ['assistant', answer('Why', 40)]])
  await page.reload()
  await untilShown(page, [question, ['assistant', answer('Why', 40)]])
  gate.open()
  await untilShown(page, [question, ['assistant', answer('Why')]])
}
