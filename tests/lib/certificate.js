// A certificate of a test's own, and the authority that signed it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const NEW = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']

/** Writes the files into the folder, for this host, and returns their paths. */
export async function certificate(folder, host) {
  const at = (name) => join(folder, `${host}-${name}.pem`)
  const [key, cert, authority, authorityKey] = ['key', 'cert', 'authority', 'authority-key'].map(at)
  await exec('openssl', [...NEW, '-subj', '/CN=an authority', '-keyout', authorityKey, '-out', authority])
  const signed = ['-CA', authority, '-CAkey', authorityKey]
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE']
  await exec('openssl', [...NEW, ...signed, ...names, ...leaf, '-keyout', key, '-out', cert])
  return { key, cert, authority }
}
