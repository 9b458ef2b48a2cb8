import { fileURLToPath } from 'node:url'

const recorder = process.env.RECORDER_URL ?? 'http://127.0.0.1:8787'

export default {
  // The recorder under the app's own origin: the browser asks no preflight, and no CORS is involved.
  async rewrites() {
    return [{ source: '/df/:path*', destination: `${recorder}/:path*` }]
  },
  // A connection that is silent for this long is cut by Next (30 s by default); the client then asks for the rest.
  experimental: { proxyTimeout: 120_000 },
  // In this repository the package is a folder next door; with the tarball installed this line is not needed.
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
}
