import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { start } from '../lib/process.js'

const XTASK = process.env.XTASK_BIN ?? fileURLToPath(new URL('../../../target/debug/xtask', import.meta.url))
const demo = (t, ...args) => start(t, XTASK, ['demo', ...args], { env: { OPENAI_API_KEY: undefined } })

test('cargo xtask demo openai runs to its end', async (t) => {
  const run = demo(t, 'openai')
  assert.equal(await run.ended(600_000), 0, run.output())
  assert.match(run.output(), /\[the end: \d+ characters\]/)
})

test('cargo xtask demo node starts the script again after kill -9, and it goes on', async (t) => {
  const run = demo(t, 'node')
  const [, pid] = await run.prints(/\[kill -9 (\d+) and start me again\]/, 600_000)
  await run.prints(/Answer \d+\. A streamed/)
  process.kill(Number(pid), 'SIGKILL')
  await run.prints(/It was killed, and is started again\.[\s\S]*?\[(picking it up|the answer is there)/)
  assert.equal(await run.ended(), 0, run.output())
  assert.match(run.output(), /\[the end\]/)
})

for (const [name, shown] of [
  ['vanilla', 'Ask, then lose the answer'],
  ['next', 'durablefetch with Next.js'],
]) {
  test(`cargo xtask demo ${name} serves its page until Ctrl-C`, async (t) => {
    const run = demo(t, name, '--port', '0')
    const [, address] = await run.prints(/The (?:page|chat) is at\s+(http:\S+)/, 600_000)
    assert.ok((await (await fetch(address)).text()).includes(shown))
    await run.kill('SIGINT')
    await assert.rejects(fetch(address), 'the page is gone')
  })
}
