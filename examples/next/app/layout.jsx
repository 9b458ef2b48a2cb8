export const metadata = { title: 'durablefetch with Next.js' }

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body style={{ font: '17px/1.6 system-ui, sans-serif', maxWidth: '42rem', margin: '2rem auto' }}>{children}</body>
    </html>
  )
}
