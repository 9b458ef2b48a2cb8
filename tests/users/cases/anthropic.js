import Anthropic from '@anthropic-ai/sdk'

export const title = 'Anthropic SDK'
export const packages = ['@anthropic-ai/sdk']
export const where = ['node', 'browsers']
export const note = 'As above: `query` gives each answer a URL of its own.'

export async function read({ df, upstream, id, received }) {
  // snippet:begin
  const client = new Anthropic({
    fetch: df.fetch,
    baseURL: `${upstream}/anthropic`,
    apiKey: 'of your user, or of your server',
    dangerouslyAllowBrowser: true,
  })
  const stream = client.messages.stream(
    { model: 'claude-opus-4-5', max_tokens: 1024, messages: [{ role: 'user', content: 'Hello' }] },
    { query: { id } },
  )
  stream.on('text', (_, text) => received(text))
  const { content } = await stream.finalMessage()
  // snippet:end
  return content.map((part) => part.text).join('')
}
