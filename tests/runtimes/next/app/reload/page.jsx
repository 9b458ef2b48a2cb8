import { Answer } from './answer'

// Not rendered once and for all when it is built.
export const dynamic = 'force-dynamic'

export default function Page() {
  return <Answer />
}
