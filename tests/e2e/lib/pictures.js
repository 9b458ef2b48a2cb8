// The pictures of README: frames of a test as it runs, side by side.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const IMAGES = new URL('../../../docs/images/', import.meta.url)
const WIDTH = 600

/** Frames are taken at every run, so that they can be; with `E2E_PICTURES` they are written to docs/images. */
export function pictures(page) {
  const frames = []
  return {
    async take(title) {
      frames.push({ title, png: await page.screenshot() })
    },
    async write(name) {
      if (!process.env.E2E_PICTURES) return
      const sheet = await page.native.context().newPage()
      await sheet.setViewportSize({ width: frames.length * (WIDTH + 16), height: 500 })
      await sheet.setContent(`<style>body { margin: 0; display: flex; gap: 16px; background: #fff; font: 20px/1.8 system-ui }
        figure { margin: 0; width: ${WIDTH}px } img { width: 100%; border: 1px solid #ccc; border-radius: 8px }</style>
        ${frames.map(({ title, png }) => `<figure>${title}<img src="data:image/png;base64,${png.toString('base64')}"></figure>`).join('')}`)
      await sheet.waitForFunction(() => [...document.images].every((image) => image.complete))
      const png = await sheet.locator('body').screenshot()
      // WebP is a fifth of it.
      const webp = await sheet.evaluate(
        async (source) => {
          const image = new Image()
          image.src = source
          await image.decode()
          const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
          canvas.getContext('2d').drawImage(image, 0, 0)
          return canvas.toDataURL('image/webp', 0.8)
        },
        `data:image/png;base64,${png.toString('base64')}`,
      )
      await writeFile(fileURLToPath(new URL(`${name}.webp`, IMAGES)), Buffer.from(webp.split(',')[1], 'base64'))
      await sheet.close()
    },
  }
}
