import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
// Both are README's: the test writes them.
import Page from './page.tsx'

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
