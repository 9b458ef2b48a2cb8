import { DurableFetchClient } from 'original'
import { driverOf } from './driver.js'
import { sendPlain } from './send-plain.js'

const durablefetchHost = new URLSearchParams(location.search).get('recorder')
sendPlain(durablefetchHost)
window.driver = driverOf(new DurableFetchClient({ durablefetchHost }))
