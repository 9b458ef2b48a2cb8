import node from '@astrojs/node'
import { defineConfig } from 'astro/config'
import { durablefetch } from 'durablefetch-recorder/vite'

export default defineConfig({
  output: 'server',
  adapter: node({ mode: 'standalone' }),
  vite: { plugins: [durablefetch()] },
})
