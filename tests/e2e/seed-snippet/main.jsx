import { Fragment, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat } from './chat.jsx'

const query = new URLSearchParams(location.search)
const Mode = query.has('strict') ? StrictMode : Fragment
createRoot(document.getElementById('root')).render(
  <Mode>
    <Chat chatId={query.get('chat')} />
  </Mode>,
)
