import { durablefetch } from 'durablefetch-recorder/vite'
import { defineConfig } from 'vitest/config'
import { browser } from './browser.js'

export default defineConfig({
  plugins: [durablefetch()],
  test: {
    include: ['answer.test.js'],
    provide: { places: JSON.parse(process.env.PLACES) },
    testTimeout: 60_000,
    browser: await browser(process.env.BROWSER),
  },
})
