import { behaveMixed, inPage } from '../behaviour.mjs'
import * as whole from 'durablefetch'
import * as slim from 'durablefetch/slim'

const wasm = new URL('durablefetch/wasm', import.meta.url)

inPage((places) => behaveMixed(whole, slim, wasm, places))
