import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat } from './chat.jsx'

const chatId = new URLSearchParams(location.search).get('chat')
createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Chat chatId={chatId} />
  </StrictMode>,
)
