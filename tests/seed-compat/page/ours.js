import { DurableFetchClient } from 'durablefetch'
import { driverOf } from './driver.js'

const durablefetchHost = new URLSearchParams(location.search).get('recorder')
window.driver = driverOf(new DurableFetchClient({ durablefetchHost }))
