import { answerInPage } from './reload.mjs'
import * as durablefetch from '/node_modules/durablefetch/js.js'

answerInPage(durablefetch)
