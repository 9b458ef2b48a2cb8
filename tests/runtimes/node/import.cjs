import('./behaviour.mjs').then(({ behave, inProcess }) =>
  inProcess(async (places) => behave(await import('durablefetch'), places)),
)
