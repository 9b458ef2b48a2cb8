import { render } from '@builder.io/qwik'
import { App } from './App'

// As an import without names, Rollup would drop it: the package says that its files have no side effects.
await import('@builder.io/qwik/qwikloader.js')
render(document.querySelector('#app'), <App />)
