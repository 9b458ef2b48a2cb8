// What `fetch` does, as data. Each row is run twice in the same page against the same upstream, in each engine: once with
// the browser's own fetch, once with df.fetch.
//
// - `name`: the behaviour, as docs/fidelity.md lists it.
// - `run({ fetch, url, refused })`: does it and returns what was seen, as JSON. `url(path, params)` is an address of
//   the upstream (lib/upstream.js) that was never asked for before; `refused()` is one where nothing listens.
// - `is`: what native fetch must give; so must df.fetch.
// - `ours`: only where df.fetch differs: `is`, what it gives instead, and `because`, why.
// - `in`: only where an engine differs, by its name: `native`, what its native fetch gives, if it is not `is`; `ours`, what
//   df.fetch gives there, if it is not the same; and `because`, why.
import { input } from './input.js'
import { options } from './options.js'
import { rejections } from './rejections.js'
import { reading } from './reading.js'
import { requestBody } from './request-body.js'
import { response } from './response.js'
import { status } from './status.js'

export const groups = [
  { title: 'Input', rows: input },
  { title: 'Request body', rows: requestBody },
  { title: 'Options', rows: options },
  { title: 'Response', rows: response },
  { title: 'Status and body', rows: status },
  { title: 'Reading the body', rows: reading },
  { title: 'Rejections', rows: rejections },
]

/** What this row must give in this engine: `{ native, ours, because }`. */
export function expectedIn({ is, ours, in: engines }, engine) {
  const own = engines?.[engine]
  if (!own) return { native: is, ours: ours ? ours.is : is, because: ours?.because }
  const native = 'native' in own ? own.native : is
  return { native, ours: 'ours' in own ? own.ours : native, because: own.because }
}
