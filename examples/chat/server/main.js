// The API server of the example: `node server/main.js`. It knows nothing of durablefetch.
//
//   PORT             where to listen on 127.0.0.1; 0 (default) takes a free port and prints it
//   MOCK_DELAY_MS    the mock model's pause before each word, default 60
//   OPENAI_API_KEY or ANTHROPIC_API_KEY   use that provider instead of the mock model; MODEL names its model
import { createApi } from './api.js'
import { chooseModel } from './models.js'

const { model, name } = await chooseModel(process.env)
const server = createApi({ model })

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`api: answering with ${name}`)
  console.log(`api: listening on http://127.0.0.1:${server.address().port}`)
})
