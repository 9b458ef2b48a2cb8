// docs/durablefetch.service and docs/durablefetch.socket as they stand, under systemd.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { certificate } from '../lib/certificate.js'
import { boot, until } from './lib/machine.js'

const docs = (name) => readFile(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8')
const HOST = 'df.example'
const SETTINGS = `
listen = "127.0.0.1:443"
public-origin = "https://${HOST}"
allow-any = true
tls-cert = "/run/durablefetch/cert.pem"
tls-key = "/run/durablefetch/key.pem"
token-secret = ["@/run/durablefetch/token-secret"]
`
const PLAIN = 'listen = "127.0.0.1:8787"\n'
const ENV = '/etc/systemd/system/durablefetch.service.d/test.conf'

test('the unit under systemd', { timeout: 900_000 }, async (t) => {
  const machine = await boot(t)
  const { run, show, write } = machine
  const put = async (folder, host) => {
    const files = await certificate(folder, host)
    for (const name of ['cert', 'key']) {
      await write(`/etc/durablefetch/${name}.pem`, await readFile(files[name]), 0o600)
    }
    await write('/root/authority.pem', await readFile(files.authority))
  }
  const curl = (...args) => run('curl', '--silent', '--show-error', '--max-time', '30', ...args)
  const HTTPS = ['--cacert', '/root/authority.pem', '--resolve', `${HOST}:443:127.0.0.1`]
  const healthz = () => curl(...HTTPS, `https://${HOST}/healthz`)
  const served = () =>
    run(
      'sh',
      '-c',
      `openssl s_client -connect 127.0.0.1:443 -servername ${HOST} </dev/null 2>/dev/null | openssl x509 -noout -serial`,
    )
  const journal = (...args) => run('journalctl', '--unit=durablefetch', '--output=cat', '--no-pager', ...args)
  const settings = (text) => write('/etc/durablefetch/durablefetch.toml', text, 0o600)
  /** More lines for the unit, or none. */
  const dropIn = async (text) => {
    await write(ENV, text)
    await run('systemctl', 'daemon-reload')
  }
  const gone = (pid) =>
    run('test', '-d', `/proc/${pid}`).then(
      () => false,
      () => true,
    )
  /** The first event of a stream has come; resolves to the lines when it has ended. */
  const reads = async (url, ...args) => {
    const child = machine.follow('curl', '--silent', '--show-error', '--no-buffer', '--max-time', '60', ...args, url)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (data) => (text += data))
    const ended = once(child, 'close').then(([code]) => ({ code, text }))
    await Promise.race([once(child.stdout, 'data'), ended])
    return ended
  }

  await write('/etc/systemd/system/durablefetch.service', await docs('durablefetch.service'))
  await write('/etc/systemd/system/durablefetch.socket', await docs('durablefetch.socket'))
  await write('/etc/durablefetch/token-secret', 'a secret that has more than 32 bytes', 0o600)
  await settings(SETTINGS)
  await put(machine.scratch, HOST)
  await run('chmod', '700', '/etc/durablefetch')
  await run('systemctl', 'daemon-reload')

  await t.test(
    'once it has started it answers at port 443, without root, with keys that only root can read',
    async () => {
      await run('systemctl', 'start', 'durablefetch')
      // Not tried again: started means that it listens.
      assert.equal(await healthz(), '{"ok":true}')
      const unit = await show('ActiveState', 'Type', 'MainPID', 'StatusText')
      assert.deepEqual([unit.ActiveState, unit.Type], ['active', 'notify'])
      assert.match(unit.StatusText, /listening on https:\/\/127\.0\.0\.1:443/)
      assert.notEqual((await run('stat', '--format=%u', `/proc/${unit.MainPID}`)).trim(), '0')
      await assert.rejects(run('setpriv', '--reuid=65534', '--clear-groups', 'cat', '/run/durablefetch/key.pem'))
      assert.equal((await run('stat', '--format=%a', '/run/durablefetch/key.pem')).trim(), '400')
    },
  )

  await t.test('a certificate is rotated by a reload, which starts a successor', async () => {
    const before = [(await show('MainPID')).MainPID, await served()]
    await put(machine.scratch, HOST)
    await run('systemctl', 'reload', 'durablefetch')
    const serial = await until('the new certificate is shown', async () => {
      const now = await served()
      return now !== before[1] && now
    })
    assert.match(serial, /^serial=/)
    assert.equal(await healthz(), '{"ok":true}', 'as the new authority has signed it')
    const unit = await show('MainPID', 'ActiveState', 'NRestarts', 'StatusText')
    assert.notEqual(unit.MainPID, before[0])
    assert.deepEqual([unit.ActiveState, unit.NRestarts], ['active', '0'])
    assert.match(unit.StatusText, /listening on https/)
    await until('the first has left', () => gone(before[0]))
    assert.equal((await show('ActiveState')).ActiveState, 'active', 'and the unit goes on')
  })

  await t.test('a credential of systemd is a copy from the start, which a reload does not renew', async () => {
    // Why the unit copies the files itself. Where this fails, it may stop to.
    const reload = '/bin/sh -c \'cat "$CREDENTIALS_DIRECTORY/key" > /run/seen\''
    const probe = `[Service]\nType=exec\nLoadCredential=key:/root/credential\nExecStart=/bin/sleep infinity\nExecReload=${reload}\n`
    await write('/root/credential', 'old', 0o600)
    await write('/etc/systemd/system/credential.service', probe)
    await run('systemctl', 'daemon-reload')
    await run('systemctl', 'start', 'credential')
    await write('/root/credential', 'new', 0o600)
    await run('systemctl', 'reload', 'credential')
    assert.equal(await run('cat', '/run/seen'), 'old')
    await run('systemctl', 'stop', 'credential')
  })

  await t.test('a typo in a variable ends it with 2, once, and the journal has it as an error', async () => {
    await dropIn('[Service]\nEnvironment=DURABLEFETCH_TLL=1h\n')
    await assert.rejects(run('systemctl', 'restart', 'durablefetch'))
    const unit = await show('ActiveState', 'ExecMainStatus', 'NRestarts', 'Result')
    assert.deepEqual(unit, { ActiveState: 'failed', ExecMainStatus: '2', NRestarts: '0', Result: 'exit-code' })
    assert.match(await journal('--priority=err'), /DURABLEFETCH_TLL; the nearest is DURABLEFETCH_TTL/)
    assert.doesNotMatch(await journal('--priority=err'), /listening|SIGHUP/)
    await dropIn('[Service]\nExecStart=\nExecStart=/usr/local/bin/durablefetch serve --tll 1h\n')
    await assert.rejects(run('systemctl', 'restart', 'durablefetch'))
    assert.match(await journal('--priority=err'), /unexpected argument '--tll'/)
    await dropIn('')
    await run('systemctl', 'start', 'durablefetch')
    assert.equal(await healthz(), '{"ok":true}')
  })

  await settings(PLAIN)
  const local = 'http://127.0.0.1:8787'

  await t.test('a restart lets a live answer end, and the next process has it', async () => {
    await run('systemctl', 'restart', 'durablefetch')
    const before = (await show('MainPID')).MainPID
    const reading = reads(`${local}/demo/talking-3-restart`)
    await until('it is live', async () => {
      const asked = { url: `${local}/demo/talking-3-restart` }
      const status = await curl('--data', JSON.stringify(asked), `${local}/in-progress`)
      return JSON.parse(status).inProgress
    })
    await run('systemctl', 'restart', 'durablefetch')
    const { code, text } = await reading
    assert.equal(code, 0, 'it was not cut')
    assert.equal(text.match(/^data:/gm).length, 4, text)
    const unit = await show('MainPID', 'Result', 'NRestarts')
    assert.notEqual(unit.MainPID, before)
    assert.deepEqual([unit.Result, unit.NRestarts], ['success', '0'])
    const again = await reads(`${local}/demo/talking-3-restart`, '--header', 'durablefetch-mode: replay')
    assert.equal(again.text, text)
  })

  await t.test('a reload cuts nothing that is live, and one with a wrong setting changes nothing', async () => {
    const before = (await show('MainPID')).MainPID
    const url = `${local}/demo/talking-4-reload`
    const reading = reads(url)
    const status = async () => JSON.parse(await curl('--data', JSON.stringify({ url }), `${local}/in-progress`))
    await until('it is live', async () => (await status()).inProgress)
    await settings(`${PLAIN}tll = "1h"\n`)
    await assert.rejects(run('systemctl', 'reload', 'durablefetch'))
    assert.equal((await show('MainPID')).MainPID, before)
    await settings(PLAIN)
    await run('systemctl', 'reload', 'durablefetch')
    await until('the successor is the main process', async () => (await show('MainPID')).MainPID !== before)
    assert.equal((await status()).inProgress, true, 'it is known to the successor')
    const { code, text } = await reading
    assert.equal(code, 0, 'it was not cut')
    await until('the first has left', () => gone(before))
    assert.equal((await reads(url, '--header', 'durablefetch-mode: replay')).text, text)
    const unit = await show('ActiveState', 'NRestarts')
    assert.deepEqual(unit, { ActiveState: 'active', NRestarts: '0' })
  })

  await t.test('SIGHUP has the process read again what it may', async () => {
    const before = (await show('MainPID')).MainPID
    await run('systemctl', 'kill', '--kill-who=main', '--signal=HUP', 'durablefetch')
    await until('it says so', async () => /SIGHUP: secrets and certificate were read again/.test(await journal()))
    assert.equal((await show('MainPID')).MainPID, before)
  })

  await t.test('one that hangs is started again', async () => {
    await dropIn('[Service]\nWatchdogSec=2s\nRestartSec=100ms\n')
    await run('systemctl', 'restart', 'durablefetch')
    const { MainPID } = await show('MainPID')
    await run('sh', '-c', `kill -STOP ${MainPID}`)
    await until('another process serves', async () => {
      const unit = await show('MainPID', 'NRestarts', 'ActiveState')
      return unit.ActiveState === 'active' && unit.NRestarts === '1' && unit.MainPID !== MainPID
    })
    assert.equal(await curl(`${local}/healthz`), '{"ok":true}')
    assert.match(await run('journalctl', '--unit=durablefetch', '--output=cat'), /Watchdog timeout/)
    await dropIn('')
  })

  await t.test('behind the socket nobody who comes during a restart is refused', async () => {
    await run('systemctl', 'stop', 'durablefetch')
    await run('systemctl', 'enable', '--now', 'durablefetch.socket')
    assert.equal((await show('ActiveState')).ActiveState, 'inactive')
    assert.equal(await curl(`${local}/healthz`), '{"ok":true}', 'the first request starts it')
    assert.equal((await show('ActiveState')).ActiveState, 'active')
    // For a moment no process runs: this holds the next one back before it begins.
    await run('mkfifo', '/run/gate')
    await dropIn('[Service]\nExecStartPre=+/bin/cat /run/gate\n')
    const restart = run('systemctl', 'restart', 'durablefetch')
    await until('no process runs', async () => (await show('SubState')).SubState === 'start-pre')
    const asked = curl('--write-out', '%{http_code}', `${local}/healthz`)
    await until('it waits', async () =>
      (await run('ss', '--tcp', '--numeric', '--no-header', 'state', 'established', 'dport = 8787')).trim(),
    )
    await run('sh', '-c', 'echo > /run/gate')
    assert.equal(await asked, '{"ok":true}200')
    await restart
  })
})
