import OpenAI from 'openai'

export const title = 'OpenAI SDK: chat completions'
export const packages = ['openai']
export const where = ['node', 'browsers']
export const note =
  'The SDK posts everything to one URL. `query` gives each answer a URL of its own, which names it later.'

export async function read({ df, upstream, id, received }) {
  let text = ''
  // snippet:begin
  const client = new OpenAI({
    fetch: df.fetch,
    baseURL: `${upstream}/openai/v1`,
    apiKey: 'of your user, or of your server',
    dangerouslyAllowBrowser: true,
  })
  const stream = await client.chat.completions.create(
    { model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }], stream: true },
    { query: { id } },
  )
  for await (const chunk of stream) received((text += chunk.choices[0].delta.content ?? ''))
  // snippet:end
  return text
}
