import { Chat, useChat } from 'ai-react-5'
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } from 'ai-5'
import { mount } from './lib/tabs.jsx'

mount(5, { Chat, useChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls })
