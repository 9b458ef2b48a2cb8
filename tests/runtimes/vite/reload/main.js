import { DurableFetchClient } from 'durablefetch'
import { answerInPage } from '../reload.mjs'

answerInPage({ DurableFetchClient })
