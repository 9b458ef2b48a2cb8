import { durablefetch } from 'durablefetch-recorder/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [durablefetch()] })
