import { Chat, useChat } from 'ai-react-6'
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } from 'ai-6'
import { mount } from './lib/tabs.jsx'

mount(6, { Chat, useChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls })
