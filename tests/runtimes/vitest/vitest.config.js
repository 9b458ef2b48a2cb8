import { defineConfig } from 'vitest/config'
import { browser } from './browser.js'

const { BROWSER, PLACES } = process.env

export default defineConfig(async () => ({
  test: {
    provide: { places: JSON.parse(PLACES) },
    testTimeout: 60_000,
    browser: BROWSER ? await browser(BROWSER) : {},
  },
}))
