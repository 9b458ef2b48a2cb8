import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Where the two servers are; `cargo xtask demo` starts all three and says so.
const recorder = process.env.RECORDER_URL ?? 'http://127.0.0.1:8787'
const api = process.env.API_URL ?? 'http://127.0.0.1:8788'

const proxy = {
  '/api': { target: api },
  // The recorder under the app's own origin: the browser asks no preflight, and no CORS is involved.
  '/df': { target: recorder, rewrite: (path) => path.slice('/df'.length) || '/' },
}

export default defineConfig({
  plugins: [react()],
  server: {
    proxy,
    // In this repository the package is a folder next door; installed from npm this line is not needed.
    fs: { allow: ['.', '../../pkg'] },
  },
  preview: { proxy },
})
