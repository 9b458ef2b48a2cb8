// An extension whose origin is known before it is loaded: a recorder has to be told of it.
import { createHash, generateKeyPairSync } from 'node:crypto'

/** A key for Chromium's manifest, and the id that Chromium makes of it. */
export function extensionKey() {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' })
  const id = createHash('sha256')
    .update(key)
    .digest('hex')
    .slice(0, 32)
    .replaceAll(/./g, (digit) => 'abcdefghijklmnop'[Number.parseInt(digit, 16)])
  return { key: key.toString('base64'), id }
}
