import { solidStart } from '@solidjs/start/config'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [solidStart()],
  // Its page of errors needs this one, whose own parts are no ES modules.
  optimizeDeps: { include: ['@jridgewell/trace-mapping'] },
})
