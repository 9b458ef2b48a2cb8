// @ts-check
// Bytes as a string literal, as `crates/xtask/src/package/text.rs` writes it. One byte is one character or two, so
// that what repeats in the module repeats in the text: under gzip it costs a hundredth, where base64 costs a third.

/** The printable characters that no minifier, string literal or inline script writes any other way. */
const LEFT_OUT = '"$\'<\\`'

/** Characters that stand for a byte of their own; the two that are left announce a higher byte. */
const LOW = 87

/** @param {string} text */
export function decode(text) {
  const codes = new Uint8Array(127)
  let known = 0
  for (let char = 32; char < 127; char++) {
    if (!LEFT_OUT.includes(String.fromCharCode(char))) codes[char] = known++
  }
  const bytes = new Uint8Array(text.length)
  let length = 0
  let above = 0
  for (let index = 0; index < text.length; index++) {
    const code = codes[text.charCodeAt(index)]
    if (code < LOW) {
      bytes[length++] = above + code
      above = 0
    } else {
      above = LOW * (code - LOW + 1)
    }
  }
  return bytes.subarray(0, length)
}
