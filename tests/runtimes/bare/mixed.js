import { behaveMixed, inPage } from './behaviour.mjs'
import * as whole from '/node_modules/durablefetch/index.js'
import * as slim from '/node_modules/durablefetch/slim.js'

const wasm = '/node_modules/durablefetch/wasm/durablefetch_bg.wasm'

inPage((places) => behaveMixed(whole, slim, wasm, places))
