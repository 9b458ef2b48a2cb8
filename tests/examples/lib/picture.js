// Pictures for the READMEs: taken at every run, so that they can be; kept where WRITE says so.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { example } from './places.js'

/** Takes `examples/NAME/screenshot.png`. */
export async function picture(t, page, name) {
  const bytes = await page.screenshot()
  t.diagnostic(`a picture of ${bytes.length} bytes`)
  if (!process.env.WRITE) return
  await mkdir(example(name), { recursive: true })
  await writeFile(join(example(name), 'screenshot.png'), bytes)
}
