import { useEffect, useState } from 'react'
import { Chat } from './chat'
import { Sidebar } from './sidebar'

/** The chat in the address: a reload and a second tab show the same one. */
function useChatId() {
  const [id, setId] = useState(currentId)
  useEffect(() => {
    const onHashChange = () => setId(currentId())
    window.addEventListener('hashchange', onHashChange)
    return () => window.removeEventListener('hashchange', onHashChange)
  }, [])
  return id
}

function currentId() {
  const inAddress = /^#\/chat\/([\w-]+)$/.exec(location.hash)?.[1]
  if (inAddress) return inAddress
  const fresh = crypto.randomUUID()
  history.replaceState(null, '', `#/chat/${fresh}`)
  return fresh
}

export function App() {
  const id = useChatId()
  return (
    <div className="app">
      <Sidebar current={id} />
      <Chat key={id} id={id} />
    </div>
  )
}
