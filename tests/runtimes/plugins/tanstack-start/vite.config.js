import { tanstackStart } from '@tanstack/react-start/plugin/vite'
import react from '@vitejs/plugin-react'
import { durablefetch } from 'durablefetch-recorder/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [durablefetch(), tanstackStart(), react()] })
