// The MCP SDK over df.fetch: a session is many requests of one URL.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'
import { within } from '../lib/deadline.js'
import { recorderFor } from './lib/beside.js'
import { installOurs } from './lib/ours.js'
import { signal, startScripted } from './lib/scripted.js'
import { versionsOf } from './lib/versions.js'

/** A server with one tool, `say`. It answers no call before `together` of them are there. */
async function startServer(t, { together }) {
  const sessions = new Map()
  let waiting = 0
  let all = signal()
  const say = async ({ word }, { sessionId }) => {
    const { opened, open } = all
    waiting += 1
    if (waiting === together) {
      waiting = 0
      all = signal()
      open()
    }
    await opened
    return { content: [{ type: 'text', text: `${word} in ${sessionId}` }] }
  }
  const begin = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    const server = new McpServer({ name: 'words', version: '1.0.0' })
    server.registerTool('say', { description: 'Says a word', inputSchema: { word: z.string() } }, say)
    await server.connect(transport)
    return transport
  }
  const upstream = await startScripted(t, async ({ body, method, headers }, response) => {
    const session = headers['mcp-session-id']
    if (session && !sessions.has(session)) return void response.writeHead(404).end('Session not found')
    const transport = sessions.get(session) ?? (await begin())
    await transport.handleRequest(response.req, response, method === 'POST' ? JSON.parse(body) : undefined)
  })
  const calls = () => upstream.requests.filter(({ body }) => body.includes('"tools/call"')).length
  return { ...upstream, calls, forget: () => sessions.clear() }
}

test(`MCP (${versionsOf(['@modelcontextprotocol/sdk'])})`, async (t) => {
  const ours = await installOurs(t)
  const { DurableFetchClient } = await ours.load()
  const recorder = await recorderFor(t)

  async function connect(t, url, options = { reuse: 'never' }) {
    const never = new DurableFetchClient({ durablefetchHost: recorder.url, ...options })
    // snippet:begin
    const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: never.fetch })
    const client = new Client({ name: 'test', version: '1.0.0' })
    await client.connect(transport)
    // snippet:end
    t.after(() => client.close())
    return {
      session: transport.sessionId,
      terminate: () => transport.terminateSession(),
      async say(word) {
        const called = client.callTool({ name: 'say', arguments: { word } })
        const { content } = await within(20_000, `an answer to ${word}`, called)
        return content[0].text
      },
    }
  }

  // In 0.2 every call timed out: the POSTs were given the open GET.
  await t.test("reuse: 'never': two clients, six calls at once", async (t) => {
    const server = await startServer(t, { together: 6 })
    const [one, two] = [await connect(t, server.url), await connect(t, server.url)]
    assert.notEqual(one.session, two.session)
    // The same words in both: equal bodies are two calls all the same.
    const words = ['a', 'b', 'c']
    const said = await Promise.all([one, two].flatMap((client) => words.map((word) => client.say(word))))
    const expected = [one, two].flatMap(({ session }) => words.map((word) => `${word} in ${session}`))
    assert.deepEqual(said, expected)
    assert.equal(server.calls(), 6)
  })

  await t.test("reuse: 'never': a server that forgot its sessions gives a new one", async (t) => {
    const server = await startServer(t, { together: 1 })
    const before = await connect(t, server.url)
    assert.equal(await before.say('a'), `a in ${before.session}`)
    server.forget()
    await assert.rejects(before.say('a'), (error) => error instanceof StreamableHTTPError && error.code === 404)
    const after = await connect(t, server.url)
    assert.notEqual(after.session, before.session, 'it was initialised anew')
    assert.equal(await after.say('a'), `a in ${after.session}`)
  })

  await t.test("terminateSession ends the session's event stream at the server", async (t) => {
    const server = await startServer(t, { together: 1 })
    const client = await connect(t, server.url)
    const stream = () => server.requests.find(({ method }) => method === 'GET')
    await server.when('the event stream is open', stream)
    await client.terminate()
    await server.when('it is over', () => stream().state !== 'open')
  })

  await t.test('by default: calls at once are calls of their own', async (t) => {
    const server = await startServer(t, { together: 3 })
    const client = await connect(t, server.url, {})
    const said = await Promise.all(['a', 'a', 'b'].map((word) => client.say(word)))
    assert.deepEqual(said, [`a in ${client.session}`, `a in ${client.session}`, `b in ${client.session}`])
    assert.equal(server.calls(), 3)
  })
})
