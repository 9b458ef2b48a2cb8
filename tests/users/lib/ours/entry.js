// In a fresh project, so that the name is resolved as a user's program would.
export * from 'durablefetch'
