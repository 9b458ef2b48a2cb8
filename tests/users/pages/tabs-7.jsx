import { Chat, useChat } from 'ai-react-7'
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } from 'ai-7'
import { mount } from './lib/tabs.jsx'

mount(7, { Chat, useChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls })
