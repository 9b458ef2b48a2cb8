// A server component that imports the package, and a client component that is rendered on the server first.
import { DurableFetchClient } from 'durablefetch'
import { Client } from './client'

export default function Page() {
  return <Client onServer={typeof DurableFetchClient} />
}
