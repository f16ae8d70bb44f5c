import { defineSuite } from '../src/plugin.js'

export const release = defineSuite({
  id: 'release',
  title: 'Release evaluation, L∞ and L2',
  describe:
    'Before a release, on data in [0, 1]: AutoAttack at its published budgets, and beside it what tells whether its answer can be trusted.',
  attacks: [
    { use: 'fgsm' },
    { use: 'pgd', params: { steps: 100, loss: 'margin' }, restarts: 2 },
    { use: 'autoattack' },
    { use: 'square', params: { queries: 1000 } },
    { use: 'noise', params: { tries: 100 } },
  ],
  threats: [
    { norm: 'linf', epsilon: ['2/255', '4/255', '8/255'] },
    { norm: 'l2', epsilon: [0.25, 0.5] },
  ],
})
