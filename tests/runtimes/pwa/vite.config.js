import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

// What the plugin's own pages show, and with EVERYTHING a rule that takes all that the worker sees from its cache first.
const everything = [{ urlPattern: () => true, handler: 'CacheFirst', options: { cacheName: 'everything' } }]

export default defineConfig({
  plugins: [
    VitePWA({
      registerType: 'autoUpdate',
      manifest: { name: 'pwa' },
      workbox: { clientsClaim: true, skipWaiting: true, runtimeCaching: process.env.EVERYTHING ? everything : [] },
    }),
  ],
})
