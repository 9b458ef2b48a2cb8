import { createServer } from 'node:http'
import { createQwikCity } from '@builder.io/qwik-city/middleware/node'
import qwikCityPlan from '@qwik-city-plan'
import render from './entry.ssr'

const { HOST, PORT } = process.env
const { router, notFound, staticFile } = createQwikCity({ render, qwikCityPlan, static: { root: 'dist' } })

createServer((request, response) => {
  const page = () => router(request, response, () => notFound(request, response, () => {}))
  staticFile(request, response, page)
}).listen(PORT, HOST, () => console.log(`http://${HOST}:${PORT}`))
