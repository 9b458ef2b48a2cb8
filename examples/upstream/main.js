// `node main.js`: the upstream of the examples.
//
//   PORT             where to listen on 127.0.0.1, default 8788; 0 takes a free port and prints it
//   MOCK_DELAY_MS    its pause before each word, default 120
import { setTimeout as pause } from 'node:timers/promises'
import { createUpstream } from './upstream.js'

const delay = Number(process.env.MOCK_DELAY_MS ?? 120)
const server = createUpstream({ pace: () => pause(delay) })

server.listen(Number(process.env.PORT ?? 8788), '127.0.0.1', () => {
  console.log(`upstream: listening on http://127.0.0.1:${server.address().port}`)
})
