import { useChat, useCompletion } from 'ai-react-5'
import { DefaultChatTransport } from 'ai-5'
import { mount } from './lib/chat.jsx'

mount(5, { useChat, useCompletion, DefaultChatTransport })
