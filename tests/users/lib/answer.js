// What the mock upstream says, whatever the protocol: words with characters of one to four bytes.

export const WORDS = Array.from(
  { length: 40 },
  (_, at) => `${at === 0 ? '' : ' '}${['plain', 'naïve', '日本', '😀'][at % 4]}${at}`,
)
export const ANSWER = WORDS.join('')
export const HALF = WORDS.length / 2

/** The words, each when the gate lets it. */
export async function* words(gate) {
  for (const [index, word] of WORDS.entries()) {
    await gate.pace(index)
    yield word
  }
}
