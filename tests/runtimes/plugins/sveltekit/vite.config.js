import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
import { durablefetch } from 'durablefetch-recorder/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [durablefetch(), sveltekit({ adapter: adapter() })] })
