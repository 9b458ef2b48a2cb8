import { useChat, useCompletion } from 'ai-react-6'
import { DefaultChatTransport } from 'ai-6'
import { mount } from './lib/chat.jsx'

mount(6, { useChat, useCompletion, DefaultChatTransport })
