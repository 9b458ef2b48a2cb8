import { useChat, useCompletion } from 'ai-react-7'
import { DefaultChatTransport } from 'ai-7'
import { mount } from './lib/chat.jsx'

mount(7, { useChat, useCompletion, DefaultChatTransport })
