import OpenAI from 'openai'

export const title = 'OpenAI SDK: responses'
export const packages = ['openai']
export const where = ['node', 'browsers']
export const note = ''

export async function read({ df, upstream, id, received }) {
  const client = new OpenAI({
    fetch: df.fetch,
    baseURL: `${upstream}/openai/v1`,
    apiKey: 'x',
    dangerouslyAllowBrowser: true,
  })
  let text = ''
  // snippet:begin
  const stream = await client.responses.create({ model: 'gpt-5', input: 'Hello', stream: true }, { query: { id } })
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') received((text += event.delta))
  }
  // snippet:end
  return text
}
