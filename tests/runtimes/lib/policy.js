// Policies of pages as to their scripts.

/** The header. */
export const policy = (scripts) => ({
  'content-security-policy': `default-src 'self'; script-src ${scripts}; connect-src *`,
})

/** No WebAssembly, no eval. */
export const REFUSED = policy("'self'")
