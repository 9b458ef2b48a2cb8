// What the mock model produces, for comparison to the character.
import { answerTo } from '../../../examples/chat/server/mock-answer.js'

export { answerTo }

/** The answer, word by word, as the model sends it. */
export function wordsOf(question) {
  return answerTo(question).match(/\s*\S+/g)
}

/** What has been sent when the model stops before word number `count`. */
export function beginningOf(question, count) {
  return wordsOf(question).slice(0, count).join('')
}
