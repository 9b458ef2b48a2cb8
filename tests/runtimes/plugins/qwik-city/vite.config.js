import { qwikCity } from '@builder.io/qwik-city/vite'
import { qwikVite } from '@builder.io/qwik/optimizer'
import { durablefetch } from 'durablefetch-recorder/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [durablefetch(), qwikCity(), qwikVite()] })
