import { reactRouter } from '@react-router/dev/vite'
import { durablefetch } from 'durablefetch-recorder/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [durablefetch(), reactRouter()] })
