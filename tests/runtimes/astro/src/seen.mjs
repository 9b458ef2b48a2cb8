// The frontmatter of a page runs at each request, and this once.
import { DurableFetchClient } from 'durablefetch'
import { imported } from '../reload.mjs'

export const seen = imported({ DurableFetchClient })
