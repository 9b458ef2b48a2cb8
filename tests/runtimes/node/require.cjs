import('./behaviour.mjs').then(({ behave, inProcess }) =>
  inProcess((places) => behave(require('durablefetch'), places)),
)
