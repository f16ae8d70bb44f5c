import { defineSuite } from '../src/plugin.js'

export const nightly = defineSuite({
  id: 'nightly',
  title: 'Nightly evaluation, L∞ and L2',
  describe:
    'For every night, on data in [0, 1]: gradient attacks that tune themselves, a score attack to tell on masked gradients, and noise.',
  attacks: [
    { use: 'fgsm' },
    { use: 'apgd-ce' },
    { use: 'apgd-dlr' },
    { use: 'square', params: { queries: 1000 } },
    { use: 'noise' },
  ],
  threats: [
    { norm: 'linf', epsilon: ['2/255', '4/255', '8/255'] },
    { norm: 'l2', epsilon: [0.25, 0.5] },
  ],
})
