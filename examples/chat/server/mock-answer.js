// What the mock model says. Long enough to be reloaded in the middle, different for every question, and with
// characters of one to four bytes, so that a cut in the wrong place would show.

const OPENINGS = [
  'Good question. Let me take it slowly, so that you have time to reload the page while I write.',
  'Let me think aloud about that. While I do, feel free to close this tab: I will not lose my thread.',
  'There is a short answer and a long one. You will get the long one, because it is more fun to interrupt.',
]

const PARAGRAPHS = [
  'A streamed answer is a promise made word by word. The server thinks, the words travel, and somewhere in between a train enters a tunnel. In the usual design the promise ends there: the socket is gone, and with it everything that was still to come.',
  'The trick is old and simple: do not tie the work to the person waiting for it. A baker does not stop the oven because a customer stepped outside to take a call ☎️. The bread is ready when it is ready, and it will be on the counter.',
  'So something stands between the reader and the writer, and it writes everything down. If you leave, it goes on listening. If you come back, it reads to you from the first word, quickly, and then at the pace of the writer. Nothing is said twice, nothing is left out.',
  'Numbers help here. Every byte of an answer has a place, counted from its beginning. Whoever has read as far as byte 4 096 can ask for the rest from there, over a new connection, and splice both halves together so that the seam is invisible — even in the middle of a “naïve façade”, in Αθήνα or in a face like 😀.',
  'It matters how a stream ends. A clean end says: this was all. A torn connection says nothing at all. Systems that confuse the two show half an answer as if it were whole, and nobody notices until the missing half was the important one.',
  'Stopping is different from leaving. When you close the laptop you want the answer to be there later; when you press Stop you want it to stop, now, and you do not want to pay for the words nobody asked for any more.',
  'Two windows on the same conversation should agree. If a friend looks over your shoulder from another tab, both of you read the same sentence at the same time, and only one of you had to ask.',
  'Phones make all of this worse and more interesting. The lift, the change from Wi-Fi to mobile data, the screen that goes dark: each one is a cut, and each one lasts only seconds. A reader that asks again, politely and a little later each time, survives nearly all of them.',
  'There is a price, of course: the bytes must be kept somewhere for a while. But text is small. A long answer is a few dozen kilobytes, less than the picture of a cat 🐱 on the page next to it, and after some hours it can be forgotten.',
  'What I like most about the idea is that the two ends need not know. The page calls fetch, as it always did. The server answers, as it always did. Only the line between them has become patient.',
]

const CLOSINGS = [
  'That is the whole story. If you reloaded while reading it: did you notice? ✨',
  'And here the answer ends, cleanly, because it was the end and not because a cable was pulled. ✨',
  'Ask me something else, and pull the plug a little harder this time. ✨',
]

/** The whole answer to a question: the same for the same question. */
export function answerTo(question) {
  const random = seeded(question)
  const middle = shuffled(PARAGRAPHS, random).slice(0, 6)
  const about = `You asked: “${question.slice(0, 200)}”`
  return [about, pick(OPENINGS, random), ...middle, pick(CLOSINGS, random)].join('\n\n')
}

function pick(list, random) {
  return list[Math.floor(random() * list.length)]
}

function shuffled(list, random) {
  const rest = [...list]
  return list.map(() => rest.splice(Math.floor(random() * rest.length), 1)[0])
}

/** mulberry32 over an FNV-1a hash of the text: small, and good enough to shuffle paragraphs. */
function seeded(text) {
  let state = 0x811c9dc5
  for (const character of text) state = Math.imul(state ^ character.codePointAt(0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
