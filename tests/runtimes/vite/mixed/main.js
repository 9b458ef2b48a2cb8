import { behaveMixed, inPage } from '../behaviour.mjs'
import * as whole from 'durablefetch'
import * as slim from 'durablefetch/slim'
import wasm from 'durablefetch/wasm?url'

inPage((places) => behaveMixed(whole, slim, wasm, places))
