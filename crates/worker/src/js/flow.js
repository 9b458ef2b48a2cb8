// The two things that happen for every chunk, in JavaScript: awaiting a promise from wasm makes two new
// functions each time, and these are called thousands of times a second.

/**
 * Reads a body to its end through one buffer that goes back and forth.
 *
 * `chunk` gets each piece; its bytes are valid until it returns, and it says whether to go on. `end` is called once,
 * with whether the body broke; never where `chunk` said no.
 */
export function drain(stream, size, chunk, end) {
  const reader = stream.getReader({ mode: 'byob' })
  let buffer = new ArrayBuffer(size)
  const read = () => reader.read(new Uint8Array(buffer)).then(got, broke)
  const broke = () => end(true)
  const got = ({ done, value }) => {
    if (done) return end(false)
    buffer = value.buffer
    if (chunk(value)) read()
    else reader.cancel().catch(() => {})
  }
  read()
}

/** Writes a piece and tells one of the two what became of it. */
export function send(writer, piece, sent, failed) {
  writer.write(piece).then(sent, failed)
}
