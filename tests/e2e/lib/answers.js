// What the mock model produces, for comparison to the character.
import { answerTo } from '../../../examples/chat/server/mock-answer.js'

export { answerTo }

/** What has been sent when the model stops before word number `count`. */
export function beginningOf(question, count) {
  return answerTo(question).match(/\s*\S+/g).slice(0, count).join('')
}
