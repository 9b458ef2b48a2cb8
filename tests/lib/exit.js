// Ends a program of Node as `process.exit` does, once its last task is done. Otherwise Node 20 takes its handles down one by one, and
// now and then it waits for ever, at a full core, for a request of a socket that nobody answers any more.
// Registered last, so that all others who listen are heard before.
process.once('beforeExit', () => process.on('exit', (code) => process.exit(code)))
