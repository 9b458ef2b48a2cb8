import { redirect } from 'next/navigation'
import { Chat } from './chat'

// The address names the chat, so a reload and a second tab come back to the same one.
export default async function Page({ searchParams }) {
  const { chat } = await searchParams
  if (!chat) redirect(`/?chat=${crypto.randomUUID()}`)
  return <Chat chatId={chat} />
}
