// The libraries that take a `fetch`, one file each. A case exports
//
// - `title`, `packages` (whose versions are printed), `where` it is executed, `note` for the documentation;
// - `read({ df, upstream, id, received })`: reads the mock upstream's answer with the library and returns its text.
//   It calls `received` with each piece, so that the test knows when to cut. What stands between `snippet:begin` and
//   `snippet:end` is what docs/what-takes-a-fetch.md shows.
import * as anthropic from './anthropic.js'
import * as eventsource from './eventsource.js'
import * as eventsourceParser from './eventsource-parser.js'
import * as fetchEventSource from './fetch-event-source.js'
import * as ky from './ky.js'
import * as openaiChat from './openai-chat.js'
import * as openaiResponses from './openai-responses.js'
import * as tanstackAi from './tanstack-ai.js'
import * as trpc from './trpc.js'

export const cases = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  anthropic,
  'tanstack-ai': tanstackAi,
  trpc,
  ky,
  eventsource,
  'fetch-event-source': fetchEventSource,
  'eventsource-parser': eventsourceParser,
}
