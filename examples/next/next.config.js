import { fileURLToPath } from 'node:url'

// With the path under which it is mounted (--base-path).
const recorder = process.env.RECORDER_URL ?? 'http://127.0.0.1:8787/df'

export default {
  // The recorder under the app's own origin: the browser asks no preflight, and no CORS is involved.
  async rewrites() {
    return [{ source: '/df/:path*', destination: `${recorder}/:path*` }]
  },
  // The component of 0.1.0 sends the last message at each run of its effect, and StrictMode runs effects twice in
  // development. `df.resumeLastMessage` sends it once.
  reactStrictMode: false,
  // A connection that is silent for this long is cut by Next (30 s by default); the client then asks for the rest.
  experimental: { proxyTimeout: 120_000 },
  // In this repository the package is a folder next door; with the tarball installed this line is not needed.
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
}
