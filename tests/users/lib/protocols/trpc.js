// A tRPC server with one procedure, which yields.
import { initTRPC } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { words } from '../answer.js'

const t = initTRPC.context().create()
const router = t.router({
  answer: t.procedure
    .input((value) => value)
    .query(async function* ({ ctx }) {
      yield* words(ctx.gate)
    }),
})

export async function trpc({ request, response, gate }) {
  createHTTPHandler({ router, basePath: '/trpc/', createContext: () => ({ gate }) })(request, response)
}
